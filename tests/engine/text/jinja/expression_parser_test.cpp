#include <string>
#include <vector>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <verge/engine/text/jinja/expression_parser.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

/// The tree with every group in brackets.
std::string tree(const Expr* expr) {
  if (!expr) return "_";
  if (expr->kind == ExprKind::Literal && expr->literal.is_string()) {
    return fmt::format("'{}'", expr->literal.as_string());
  }
  if (expr->kind == ExprKind::Literal) return fmt::format("{}", expr->literal.as_int());
  if (expr->kind == ExprKind::Name) return expr->text;
  std::vector<std::string> operators = expr->keywords, parts;
  if (!expr->text.empty()) operators.push_back(expr->text);
  if (!operators.empty()) parts.push_back(fmt::format("{}", fmt::join(operators, ",")));
  for (const ExprPtr& child : expr->children) parts.push_back(tree(child.get()));
  return fmt::format("({})", fmt::join(parts, " "));
}

std::string parsed(std::string_view source) {
  jinja::Run run{Limits{}};
  const std::vector<Token> tokens = tokenize(run, fmt::format("{{{{ {} }}}}", source));
  ExpressionParser parser(run, tokens);
  parser.take();
  return tree(parser.tuple().get());
}

TEST(JinjaExpressionParser, OperatorsBindAsInJinja) {
  const std::pair<const char*, const char*> cases[] = {
      {"a + b * c - d", "(- (+ a (* b c)) d)"},
      {"a ~ b + c", "(+ (~ a b) c)"},
      {"a ~ b * c", "(~ a (* b c))"},
      {"-a ** b", "(** (- a) b)"},
      {"-a | f", "(f (- a))"},
      {"a + b | f", "(+ a (f b))"},
      {"a.b['c'](d, e=f).g | h(1) | i", "(i (h (g (e ((b a) 'c') d f)) 1))"},
      {"not a == b and c or d", "(or (and (not (== a b)) c) d)"},
      {"a < b <= c", "(<,<= a b c)"},
      {"a not in b", "(not in a b)"},
      {"a is not none and b", "(and (not (none a)) b)"},
      {"a is divisibleby 3 or b", "(or (divisibleby a 3) b)"},
      {"a if b else c if d else e", "(b a (d c e))"},
      {"a[1:], b[::2], c[x]", "((a 1 _ _) (b _ _ 2) (c x))"},
      {"[a, (b,), ()]", "(a (b) ())"},
  };
  for (const auto& [source, wanted] : cases) EXPECT_EQ(parsed(source), wanted) << source;
}

TEST(JinjaExpressionParser, ErrorsSayWhatWasExpected) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ 1 + }}", "error at 1:8: expected an expression, found '}}'"},
      {"{{ a b }}", "error at 1:6: expected }}, found 'b'"},
      {"{{ a. }}", "error at 1:7: expected a name after '.', found '}}'"},
      {"{{ f(a=1, b) }}", "error at 1:11: expected a named argument, found 'b'"},
      {"{{ f(*a) }}", "error at 1:6: expected an argument, found '*'"},
      {"{{ {'a' 1} }}", "error at 1:9: expected :, found '1'"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

}  // namespace
}  // namespace verge::text::jinja
