#include <optional>
#include <utility>

#include <verge/engine/text/jinja/expression_evaluator.hpp>
#include <verge/engine/text/jinja/filters.hpp>
#include <verge/engine/text/jinja/methods.hpp>
#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/predicates.hpp>
#include <verge/engine/text/jinja/print.hpp>

namespace verge::text::jinja {

// A macro is called in the midst of an expression and evaluates in a scope of its own.
Value ExpressionEvaluator::eval(const Expr& expr, const Scope& scope) {
  const Scope* outer = std::exchange(scope_, &scope);
  Value value = eval(expr);
  scope_ = outer;
  return value;
}

Value ExpressionEvaluator::apply_filters(const Expr& expr, const Value& input, const Scope& scope) {
  const Scope* outer = std::exchange(scope_, &scope);
  Value value = filter_chain(expr, input);
  scope_ = outer;
  return value;
}

Value ExpressionEvaluator::eval(const Expr& expr) {
  const Run::Nested nested(run_);
  run_.at = expr.at;
  run_.step();
  switch (expr.kind) {
    case ExprKind::Literal:
      return expr.literal;
    case ExprKind::Name:
      return variable(expr);
    case ExprKind::List:
    case ExprKind::Tuple:
      return Value::list(run_, eval_all(expr, 0), expr.kind == ExprKind::Tuple);
    case ExprKind::Dict:
      return dict(expr);
    case ExprKind::Attribute:
      return attribute_of(expr);
    case ExprKind::Subscript:
      return subscript(expr);
    case ExprKind::Slice:
      return slice_of(expr);
    case ExprKind::Unary:
      return unary(expr);
    case ExprKind::Binary:
      return binary(expr);
    case ExprKind::Compare:
      return comparison(expr);
    case ExprKind::Logic:
      return logic(expr);
    case ExprKind::Conditional:
      return conditional(expr);
    case ExprKind::Call:
      return call(expr);
    case ExprKind::Filter:
      return filter(expr, eval(*expr.children[0]));
    case ExprKind::Test:
      return test(expr);
  }
  return {};
}

Value ExpressionEvaluator::variable(const Expr& expr) const {
  const Value* found = scope_->find(expr.text);
  return found ? *found : Value::undefined(expr.text);
}

std::vector<Value> ExpressionEvaluator::eval_all(const Expr& expr, size_t first) {
  std::vector<Value> values;
  for (size_t i = first; i < expr.children.size(); ++i) {
    values.push_back(eval(*expr.children[i]));
  }
  run_.at = expr.at;  // what fails next is this expression, no longer its parts
  return values;
}

Value ExpressionEvaluator::dict(const Expr& expr) {
  const std::vector<Value> parts = eval_all(expr, 0);
  std::vector<std::pair<std::string, Value>> entries;
  for (size_t i = 0; i < parts.size(); i += 2) {
    entries.emplace_back(expect_string(run_, parts[i], "a dict's key"), parts[i + 1]);
  }
  return Value::dict(run_, std::move(entries));
}

Value ExpressionEvaluator::attribute_of(const Expr& expr) {
  const Value object = eval(*expr.children[0]);
  run_.at = expr.at;
  return attribute(run_, object, expr.text);
}

Value ExpressionEvaluator::subscript(const Expr& expr) {
  const std::vector<Value> parts = eval_all(expr, 0);
  Value found = item(run_, parts[0], parts[1]);
  const bool may_be_method = found.is_undefined() && parts[1].is_string();
  return may_be_method ? attribute(run_, parts[0], parts[1].as_string()) : found;
}

Value ExpressionEvaluator::slice_of(const Expr& expr) {
  const Value object = eval(*expr.children[0]);
  const auto bound = [&](size_t i) -> std::optional<int64_t> {
    if (!expr.children[i]) return std::nullopt;
    const Value value = eval(*expr.children[i]);
    if (value.is_none()) return std::nullopt;
    return expect_int(run_, value, "a slice");
  };
  const SliceBounds bounds = {bound(1), bound(2), bound(3)};
  run_.at = expr.at;
  return slice(run_, object, bounds);
}

Value ExpressionEvaluator::unary(const Expr& expr) {
  const Value value = eval(*expr.children[0]);
  run_.at = expr.at;
  if (expr.text == "not") return !value.truthy();
  if (!value.is_number()) run_.fail("a {} has no sign", value.kind());
  return expr.text == "-" ? negate(run_, value) : value;
}

Value ExpressionEvaluator::binary(const Expr& expr) {
  const std::vector<Value> parts = eval_all(expr, 0);
  const Value &a = parts[0], &b = parts[1];
  const std::string& op = expr.text;
  if (op == "+") return add(run_, a, b);
  if (op == "-") return subtract(run_, a, b);
  if (op == "~") return concatenate(run_, a, b);
  if (op == "*") return multiply(run_, a, b);
  if (op == "/") return divide(run_, a, b);
  if (op == "//") return floor_divide(run_, a, b);
  if (op == "%") return modulo(run_, a, b);
  return power(run_, a, b);
}

bool ExpressionEvaluator::compare(const std::string& op, const Value& a, const Value& b) {
  if (op == "==") return equal(run_, a, b);
  if (op == "!=") return !equal(run_, a, b);
  if (op == "in") return contains(run_, b, a);
  if (op == "not in") return !contains(run_, b, a);
  if (op == "<") return less(run_, a, b);
  if (op == ">") return less(run_, b, a);
  if (op == "<=") return less(run_, a, b) || equal(run_, a, b);
  return less(run_, b, a) || equal(run_, a, b);
}

Value ExpressionEvaluator::comparison(const Expr& expr) {
  Value left = eval(*expr.children[0]);
  for (size_t i = 1; i < expr.children.size(); ++i) {
    Value right = eval(*expr.children[i]);
    run_.at = expr.at;
    if (!compare(expr.keywords[i - 1], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value ExpressionEvaluator::logic(const Expr& expr) {
  Value left = eval(*expr.children[0]);
  return left.truthy() == (expr.text == "or") ? left : eval(*expr.children[1]);
}

Value ExpressionEvaluator::conditional(const Expr& expr) {
  if (eval(*expr.children[0]).truthy()) return eval(*expr.children[1]);
  return expr.children[2] ? eval(*expr.children[2]) : Value::undefined("if without else");
}

/// The arguments of a call, filter or test: all children but the first.
Arguments ExpressionEvaluator::arguments_of(const Expr& expr) {
  Arguments arguments;
  arguments.positional = eval_all(expr, 1);
  const size_t named = arguments.positional.size() - expr.keywords.size();
  for (size_t i = 0; i < expr.keywords.size(); ++i) {
    arguments.named.emplace_back(expr.keywords[i], std::move(arguments.positional[named + i]));
  }
  arguments.positional.resize(named);
  return arguments;
}

Value ExpressionEvaluator::call(const Expr& expr) {
  const Value callee = eval(*expr.children[0]);
  const Arguments arguments = arguments_of(expr);
  if (callee.is_undefined()) run_.fail("'{}' is undefined", callee.undefined_name());
  if (!callee.is_function()) run_.fail("a {} cannot be called", callee.kind());
  return callee.as_function().call(run_, arguments);
}

Value ExpressionEvaluator::filter(const Expr& expr, const Value& input) {
  const Arguments arguments = arguments_of(expr);
  return find_filter(run_, expr.text)(run_, input, arguments);
}

Value ExpressionEvaluator::filter_chain(const Expr& expr, const Value& input) {
  const Expr* inner = expr.children[0].get();
  return filter(expr, inner ? filter_chain(*inner, input) : input);
}

Value ExpressionEvaluator::test(const Expr& expr) {
  const Value value = eval(*expr.children[0]);
  const Arguments arguments = arguments_of(expr);
  return find_predicate(run_, expr.text)(run_, value, arguments);
}

}  // namespace verge::text::jinja
