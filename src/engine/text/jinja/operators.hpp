#pragma once
// Python's operators on values. All fail in `run` where Python raises, naming the types.

#include <optional>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

bool equal(Run& run, const Value& a, const Value& b);
/// Orders numbers, strings (by code point) and lists of these.
bool less(Run& run, const Value& a, const Value& b);
/// `item in container`.
bool contains(Run& run, const Value& container, const Value& item);

Value add(Run& run, const Value& a, const Value& b);
Value subtract(Run& run, const Value& a, const Value& b);
Value multiply(Run& run, const Value& a, const Value& b);
Value divide(Run& run, const Value& a, const Value& b);
Value floor_divide(Run& run, const Value& a, const Value& b);
Value modulo(Run& run, const Value& a, const Value& b);
Value power(Run& run, const Value& a, const Value& b);
Value negate(Run& run, const Value& a);
/// `a ~ b`: the texts of both.
Value concatenate(Run& run, const Value& a, const Value& b);

/// `object[key]`: undefined if there is no such item; fails if `object` is undefined.
Value item(Run& run, const Value& object, const Value& key);
/// `object[start:stop:step]` of a list or a string; absent bounds as in Python.
struct SliceBounds {
  std::optional<int64_t> start, stop, step;
};
Value slice(Run& run, const Value& object, const SliceBounds& bounds);

}  // namespace verge::text::jinja
