#pragma once
// Expressions to values.

#include <string>
#include <vector>

#include <verge/engine/text/jinja/ast.hpp>
#include <verge/engine/text/jinja/scope.hpp>

namespace verge::text::jinja {

class ExpressionEvaluator {
 public:
  explicit ExpressionEvaluator(Run& run) : run_(run) {}

  /// The value of `expr` with the variables of `scope` in sight. Fails in `run` at the operator
  /// that failed.
  Value eval(const Expr& expr, const Scope& scope);
  /// A chain of filters whose first input is not in the tree.
  Value apply_filters(const Expr& expr, const Value& input, const Scope& scope);

 private:
  Value eval(const Expr& expr);
  std::vector<Value> eval_all(const Expr& expr, size_t first);
  Value variable(const Expr& expr) const;
  Value dict(const Expr& expr);
  Value attribute_of(const Expr& expr);
  Value subscript(const Expr& expr);
  Value slice_of(const Expr& expr);
  Value unary(const Expr& expr);
  Value binary(const Expr& expr);
  bool compare(const std::string& op, const Value& a, const Value& b);
  Value comparison(const Expr& expr);
  Value logic(const Expr& expr);
  Value conditional(const Expr& expr);
  Arguments arguments_of(const Expr& expr);
  Value call(const Expr& expr);
  Value filter(const Expr& expr, const Value& input);
  Value filter_chain(const Expr& expr, const Value& input);
  Value test(const Expr& expr);

  Run& run_;
  const Scope* scope_ = nullptr;
};

}  // namespace verge::text::jinja
