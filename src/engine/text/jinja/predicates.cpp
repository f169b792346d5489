#include <algorithm>

#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/predicates.hpp>
#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

const Value& operand(Run& run, const Arguments& arguments) {
  if (arguments.positional.empty()) run.fail("the test needs something to compare with");
  return arguments.positional[0];
}

bool is_equal(Run& run, const Value& value, const Arguments& arguments) {
  return equal(run, value, operand(run, arguments));
}

bool is_unequal(Run& run, const Value& value, const Arguments& arguments) {
  return !is_equal(run, value, arguments);
}

bool is_less(Run& run, const Value& value, const Arguments& arguments) {
  return less(run, value, operand(run, arguments));
}

bool is_greater(Run& run, const Value& value, const Arguments& arguments) {
  return less(run, operand(run, arguments), value);
}

bool is_at_most(Run& run, const Value& value, const Arguments& arguments) {
  return is_less(run, value, arguments) || is_equal(run, value, arguments);
}

bool is_at_least(Run& run, const Value& value, const Arguments& arguments) {
  return is_greater(run, value, arguments) || is_equal(run, value, arguments);
}

bool is_in(Run& run, const Value& value, const Arguments& arguments) {
  return contains(run, operand(run, arguments), value);
}

bool is_divisible(Run& run, const Value& value, const Arguments& arguments) {
  return modulo(run, value, operand(run, arguments)).as_float() == 0;
}

bool is_odd(Run& run, const Value& value, const Arguments&) {
  return modulo(run, value, int64_t{2}).as_float() == 1;
}

bool is_even(Run& run, const Value& value, const Arguments&) {
  return modulo(run, value, int64_t{2}).as_float() == 0;
}

bool is_same(Run&, const Value& value, const Arguments& arguments) {
  const Value* other = arguments.find(0, "other");
  if (!other || value.kind() != other->kind()) return false;
  if (value.is_none()) return true;
  if (value.is_bool()) return value.as_bool() == other->as_bool();
  return value.same_object(*other);
}

template <bool (Value::*is)() const>
bool kind_is(Run&, const Value& value, const Arguments&) {
  return (value.*is)();
}

bool is_defined(Run&, const Value& value, const Arguments&) {
  return !value.is_undefined();
}

// Jinja counts True as an integer but not as a number of its own kind: bool is a subclass of int.
bool is_true(Run&, const Value& value, const Arguments&) {
  return value.is_bool() && value.as_bool();
}

bool is_false(Run&, const Value& value, const Arguments&) {
  return value.is_bool() && !value.as_bool();
}

// Both ask Python for __iter__ or __len__ and __getitem__, which Jinja's Undefined has too.
bool is_iterable(Run&, const Value& value, const Arguments&) {
  return value.is_string() || value.is_list() || value.is_dict() || value.is_undefined();
}

bool is_upper(Run&, const Value& value, const Arguments&) {
  return value.is_string() && upper(value.as_string()) == value.as_string() &&
         lower(value.as_string()) != value.as_string();
}

bool is_lower(Run&, const Value& value, const Arguments&) {
  return value.is_string() && lower(value.as_string()) == value.as_string() &&
         upper(value.as_string()) != value.as_string();
}

struct PredicateEntry {
  std::string_view name;
  Predicate predicate;
};

constexpr PredicateEntry kPredicates[] = {
    {"boolean", kind_is<&Value::is_bool>},
    {"callable", kind_is<&Value::is_function>},
    {"defined", is_defined},
    {"divisibleby", is_divisible},
    {"eq", is_equal},
    {"==", is_equal},
    {"equalto", is_equal},
    {"even", is_even},
    {"false", is_false},
    {"float", kind_is<&Value::is_float>},
    {"ge", is_at_least},
    {">=", is_at_least},
    {"greaterthan", is_greater},
    {"gt", is_greater},
    {">", is_greater},
    {"in", is_in},
    {"integer", kind_is<&Value::is_int>},
    {"iterable", is_iterable},
    {"le", is_at_most},
    {"<=", is_at_most},
    {"lessthan", is_less},
    {"lower", is_lower},
    {"lt", is_less},
    {"<", is_less},
    {"mapping", kind_is<&Value::is_dict>},
    {"ne", is_unequal},
    {"!=", is_unequal},
    {"none", kind_is<&Value::is_none>},
    {"number", kind_is<&Value::is_number>},
    {"odd", is_odd},
    {"sameas", is_same},
    {"sequence", is_iterable},
    {"string", kind_is<&Value::is_string>},
    {"true", is_true},
    {"undefined", kind_is<&Value::is_undefined>},
    {"upper", is_upper},
};

}  // namespace

Predicate find_predicate(Run& run, std::string_view name) {
  const auto found = std::find_if(std::begin(kPredicates), std::end(kPredicates),
                                  [&](const PredicateEntry& entry) { return entry.name == name; });
  if (found == std::end(kPredicates)) run.fail("there is no test '{}'", name);
  return found->predicate;
}

}  // namespace verge::text::jinja
