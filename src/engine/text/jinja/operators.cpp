#include <algorithm>
#include <cmath>

#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/print.hpp>
#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

[[noreturn]] void fail_types(Run& run, std::string_view what, const Value& a, const Value& b) {
  for (const Value* value : {&a, &b}) {
    if (value->is_undefined()) run.fail("'{}' is undefined", value->undefined_name());
  }
  run.fail("{} is not possible between {} and {}", what, a.kind(), b.kind());
}

bool both_whole(const Value& a, const Value& b) {
  return a.is_number() && b.is_number() && !a.is_float() && !b.is_float();
}

using Checked = bool (*)(int64_t, int64_t, int64_t*);

Value whole(Run& run, Checked operation, const Value& a, const Value& b) {
  int64_t result;
  if (operation(a.as_int(), b.as_int(), &result)) run.fail("integer overflow");
  return result;
}

Value repeated(Run& run, const Value& value, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const size_t unit =
      value.is_string() ? value.as_string().size() : value.as_list().items.size() * sizeof(Value);
  if (unit == 0) return value;
  if (times > (int64_t{1} << 40) / static_cast<int64_t>(unit)) run.fail("{} is too many", times);
  run.bytes(times * static_cast<int64_t>(unit));
  if (value.is_string()) {
    std::string text;
    for (int64_t i = 0; i < times; ++i) text += value.as_string();
    return text;
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < times; ++i) {
    items.insert(items.end(), value.as_list().items.begin(), value.as_list().items.end());
  }
  return Value::list(run, std::move(items), value.as_list().is_tuple);
}

void check_divisor(Run& run, const Value& b) {
  if (b.as_float() == 0) run.fail("division by zero");
}

bool equal_lists(Run& run, const List& a, const List& b) {
  if (a.is_tuple != b.is_tuple || a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(run, a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Run& run, const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key);
    if (!other || !equal(run, value, *other)) return false;
  }
  return true;
}

/// Python's reading of slice bounds: where to begin, and how many items to take.
struct Steps {
  int64_t first, count, step;
};

Steps resolve(Run& run, const SliceBounds& bounds, int64_t size) {
  const int64_t step = bounds.step.value_or(1);
  if (step == 0) run.fail("a slice's step cannot be zero");
  const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
  const auto place = [&](std::optional<int64_t> bound, int64_t otherwise) {
    if (!bound) return otherwise;
    const int64_t from_end = *bound < 0 ? *bound + size : *bound;
    return std::clamp(from_end, lowest, highest);
  };
  const int64_t first = place(bounds.start, step > 0 ? lowest : highest);
  const int64_t end = place(bounds.stop, step > 0 ? highest : lowest);
  const int64_t span = step > 0 ? end - first : first - end;
  if (span <= 0) return {0, 0, 1};
  // A step past the end takes one item; clamping it keeps -INT64_MIN out of the arithmetic.
  const int64_t stride = std::clamp(step, -size, size);
  return {first, (span - 1) / std::abs(stride) + 1, stride};
}

}  // namespace

bool equal(Run& run, const Value& a, const Value& b) {
  run.step();
  if (a.same_object(b)) return true;
  if (both_whole(a, b)) return a.as_int() == b.as_int();
  if (a.is_number() && b.is_number()) return a.as_float() == b.as_float();
  if (a.is_string() && b.is_string()) return a.as_string() == b.as_string();
  if (a.is_list() && b.is_list()) return equal_lists(run, a.as_list(), b.as_list());
  if (a.is_dict() && b.is_dict()) return equal_dicts(run, a.as_dict(), b.as_dict());
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

bool less(Run& run, const Value& a, const Value& b) {
  run.step();
  if (both_whole(a, b)) return a.as_int() < b.as_int();
  if (a.is_number() && b.is_number()) return a.as_float() < b.as_float();
  if (a.is_string() && b.is_string()) return a.as_string() < b.as_string();
  if (a.is_list() && b.is_list()) {
    const std::vector<Value>&x = a.as_list().items, &y = b.as_list().items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!equal(run, x[i], y[i])) return less(run, x[i], y[i]);
    }
    return x.size() < y.size();
  }
  fail_types(run, "ordering", a, b);
}

bool contains(Run& run, const Value& container, const Value& item) {
  if (container.is_string()) {
    const std::string& wanted = expect_string(run, item, "'in' a string");
    return container.as_string().find(wanted) != std::string::npos;
  }
  if (container.is_dict()) {
    return item.is_string() && container.as_dict().find(item.as_string()) != nullptr;
  }
  if (container.is_undefined()) return false;
  if (!container.is_list()) fail_types(run, "'in'", item, container);
  const std::vector<Value>& items = container.as_list().items;
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& candidate) { return equal(run, candidate, item); });
}

Value add(Run& run, const Value& a, const Value& b) {
  if (both_whole(a, b)) {
    return whole(
        run, [](auto x, auto y, auto* r) { return __builtin_add_overflow(x, y, r); }, a, b);
  }
  if (a.is_number() && b.is_number()) return a.as_float() + b.as_float();
  if (a.is_string() && b.is_string()) return concatenate(run, a, b);
  if (!a.is_list() || !b.is_list() || a.as_list().is_tuple != b.as_list().is_tuple) {
    fail_types(run, "+", a, b);
  }
  run.bytes(static_cast<int64_t>(a.as_list().items.size() * sizeof(Value)));
  std::vector<Value> items = a.as_list().items;
  items.insert(items.end(), b.as_list().items.begin(), b.as_list().items.end());
  return Value::list(run, std::move(items), a.as_list().is_tuple);
}

Value subtract(Run& run, const Value& a, const Value& b) {
  if (both_whole(a, b)) {
    return whole(
        run, [](auto x, auto y, auto* r) { return __builtin_sub_overflow(x, y, r); }, a, b);
  }
  if (!a.is_number() || !b.is_number()) fail_types(run, "-", a, b);
  return a.as_float() - b.as_float();
}

Value multiply(Run& run, const Value& a, const Value& b) {
  if (both_whole(a, b)) {
    return whole(
        run, [](auto x, auto y, auto* r) { return __builtin_mul_overflow(x, y, r); }, a, b);
  }
  if ((a.is_string() || a.is_list()) && b.is_int()) return repeated(run, a, b.as_int());
  if (a.is_int() && (b.is_string() || b.is_list())) return repeated(run, b, a.as_int());
  if (!a.is_number() || !b.is_number()) fail_types(run, "*", a, b);
  return a.as_float() * b.as_float();
}

Value divide(Run& run, const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) fail_types(run, "/", a, b);
  check_divisor(run, b);
  return a.as_float() / b.as_float();
}

Value floor_divide(Run& run, const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) fail_types(run, "//", a, b);
  check_divisor(run, b);
  if (!both_whole(a, b)) return std::floor(a.as_float() / b.as_float());
  if (b.as_int() == -1) return negate(run, a.as_int());  // the quotient that can overflow
  const int64_t quotient = a.as_int() / b.as_int(), rest = a.as_int() % b.as_int();
  return quotient - (rest != 0 && (rest < 0) != (b.as_int() < 0));
}

Value modulo(Run& run, const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) fail_types(run, "%", a, b);
  check_divisor(run, b);
  if (both_whole(a, b)) {
    if (b.as_int() == -1) return int64_t{0};
    const int64_t rest = a.as_int() % b.as_int();
    return rest != 0 && (rest < 0) != (b.as_int() < 0) ? rest + b.as_int() : rest;
  }
  const double rest = std::fmod(a.as_float(), b.as_float());
  return rest != 0 && (rest < 0) != (b.as_float() < 0) ? rest + b.as_float() : rest;
}

Value power(Run& run, const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) fail_types(run, "**", a, b);
  if (!both_whole(a, b) || b.as_int() < 0) return std::pow(a.as_float(), b.as_float());
  int64_t result = 1;
  const int64_t base = a.as_int();
  if (base == 0 || base == 1) return b.as_int() == 0 ? int64_t{1} : base;
  if (base == -1) return b.as_int() % 2 == 0 ? int64_t{1} : int64_t{-1};
  for (int64_t i = 0; i < b.as_int(); ++i) {  // at most 63 rounds before it overflows
    if (__builtin_mul_overflow(result, base, &result)) run.fail("integer overflow");
  }
  return result;
}

Value negate(Run& run, const Value& a) {
  return a.is_float() ? Value(-a.as_float()) : subtract(run, int64_t{0}, a);
}

Value concatenate(Run& run, const Value& a, const Value& b) {
  std::string text = to_text(run, a);
  const std::string tail = to_text(run, b);
  run.bytes(static_cast<int64_t>(text.size() + tail.size()));
  return text += tail;
}

Value item(Run& run, const Value& object, const Value& key) {
  if (object.is_undefined()) run.fail("'{}' is undefined", object.undefined_name());
  const std::string name = to_text(run, key);
  if (object.is_dict() && key.is_string()) {
    const Value* found = object.as_dict().find(name);
    return found ? *found : Value::undefined(name);
  }
  if (!key.is_int()) return Value::undefined(name);
  const auto pick = [&](const auto& items, auto make) {
    const auto size = static_cast<int64_t>(items.size());
    const int64_t index = key.as_int() < 0 ? key.as_int() + size : key.as_int();
    return index < 0 || index >= size ? Value::undefined(name) : make(items[index]);
  };
  if (object.is_list()) return pick(object.as_list().items, [](const Value& v) { return v; });
  if (!object.is_string()) return Value::undefined(name);
  run.bytes(static_cast<int64_t>(object.as_string().size()));
  return pick(characters(object.as_string()), [](std::string_view c) { return Value(c); });
}

Value slice(Run& run, const Value& object, const SliceBounds& bounds) {
  if (object.is_undefined()) run.fail("'{}' is undefined", object.undefined_name());
  if (object.is_string()) {
    run.bytes(static_cast<int64_t>(object.as_string().size()));
    const std::vector<std::string_view> all = characters(object.as_string());
    const Steps steps = resolve(run, bounds, static_cast<int64_t>(all.size()));
    std::string text;
    for (int64_t i = 0; i < steps.count; ++i) text += all[steps.first + i * steps.step];
    return text;
  }
  if (!object.is_list()) run.fail("a {} cannot be sliced", object.kind());
  const std::vector<Value>& all = object.as_list().items;
  const Steps steps = resolve(run, bounds, static_cast<int64_t>(all.size()));
  std::vector<Value> items;
  for (int64_t i = 0; i < steps.count; ++i) items.push_back(all[steps.first + i * steps.step]);
  return Value::list(run, std::move(items), object.as_list().is_tuple);
}

}  // namespace verge::text::jinja
