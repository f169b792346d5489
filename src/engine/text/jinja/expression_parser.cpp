#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <verge/engine/text/jinja/expression_parser.hpp>

namespace verge::text::jinja {

const Token& ExpressionParser::peek(size_t ahead) const {
  return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
}

Token ExpressionParser::take() {
  run_.at = peek().at;
  run_.step();
  const Token& token = peek();
  if (next_ < tokens_.size()) ++next_;
  return token;
}

bool ExpressionParser::at(TokenKind kind, std::string_view text) const {
  return peek().kind == kind && (text.empty() || peek().text == text);
}

bool ExpressionParser::accept_operator(std::string_view text) {
  if (!at(TokenKind::Operator, text)) return false;
  take();
  return true;
}

bool ExpressionParser::accept_name(std::string_view text) {
  if (!at_name(text)) return false;
  take();
  return true;
}

void ExpressionParser::expect_operator(std::string_view text) {
  if (!accept_operator(text)) fail_unexpected(text);
}

void ExpressionParser::expect_name(std::string_view text) {
  if (!accept_name(text)) fail_unexpected(text);
}

std::string ExpressionParser::expect_any_name(std::string_view what) {
  if (peek().kind != TokenKind::Name) fail_unexpected(what);
  return take().text;
}

void ExpressionParser::expect(TokenKind kind, std::string_view what) {
  if (peek().kind != kind) fail_unexpected(what);
  take();
}

void ExpressionParser::fail_unexpected(std::string_view wanted) const {
  const Token& found = peek();
  std::string_view text = found.text;
  if (found.kind == TokenKind::BlockEnd) text = "%}";
  if (found.kind == TokenKind::OutputEnd) text = "}}";
  if (found.kind == TokenKind::End) text = "the end of the template";
  throw TemplateError(found.at, fmt::format("expected {}, found '{}'", wanted, text));
}

ExprPtr ExpressionParser::make(ExprKind kind, Position at, std::string text,
                               std::vector<ExprPtr> children) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->at = at;
  expr->text = std::move(text);
  for (const ExprPtr& child : children) {
    if (child) expr->depth = std::max(expr->depth, child->depth + 1);
  }
  expr->children = std::move(children);
  if (expr->depth > kMaxNesting) run_.fail("the expression nests deeper than {}", kMaxNesting);
  return expr;
}

template <typename... Children>
ExprPtr ExpressionParser::node(ExprKind kind, Position at, std::string text,
                               Children... children) const {
  std::vector<ExprPtr> list;
  (list.push_back(std::move(children)), ...);
  return make(kind, at, std::move(text), std::move(list));
}

ExprPtr ExpressionParser::tuple() {
  const Position at = peek().at;
  ExprPtr first = expression();
  if (!this->at(TokenKind::Operator, ",")) return first;
  std::vector<ExprPtr> items;
  items.push_back(std::move(first));
  while (accept_operator(",")) {
    const bool ends = peek().kind == TokenKind::OutputEnd || peek().kind == TokenKind::BlockEnd ||
                      this->at(TokenKind::Operator, ")");
    if (ends) break;
    items.push_back(expression());
  }
  return make(ExprKind::Tuple, at, "", std::move(items));
}

ExprPtr ExpressionParser::expression(bool conditional) {
  const Run::Nested nested(run_);
  ExprPtr value = logic_or();
  while (conditional && at_name("if")) {
    const Position at = take().at;
    ExprPtr condition = logic_or();
    ExprPtr otherwise = accept_name("else") ? expression() : nullptr;
    value = node(ExprKind::Conditional, at, "", std::move(condition), std::move(value),
                 std::move(otherwise));
  }
  return value;
}

/// operand (operator operand)*, grouped from the left.
ExprPtr ExpressionParser::chain(ExprPtr (ExpressionParser::*operand)(),
                                std::vector<std::string_view> operators) {
  ExprPtr left = (this->*operand)();
  const auto here = [&] {
    return peek().kind == TokenKind::Operator &&
           std::find(operators.begin(), operators.end(), peek().text) != operators.end();
  };
  while (here()) {
    const Token token = take();
    left = node(ExprKind::Binary, token.at, token.text, std::move(left), (this->*operand)());
  }
  return left;
}

ExprPtr ExpressionParser::logic_or() {
  ExprPtr left = logic_and();
  while (at_name("or")) {
    const Token token = take();
    left = node(ExprKind::Logic, token.at, "or", std::move(left), logic_and());
  }
  return left;
}

ExprPtr ExpressionParser::logic_and() {
  ExprPtr left = logic_not();
  while (at_name("and")) {
    const Token token = take();
    left = node(ExprKind::Logic, token.at, "and", std::move(left), logic_not());
  }
  return left;
}

ExprPtr ExpressionParser::logic_not() {
  if (!at_name("not")) return comparison();
  const Run::Nested nested(run_);
  const Position at = take().at;
  return node(ExprKind::Unary, at, "not", logic_not());
}

/// The comparison that stands here, taken; empty if none does.
std::string ExpressionParser::comparison_operator() {
  constexpr std::string_view kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
  for (std::string_view candidate : kOperators) {
    if (accept_operator(candidate)) return std::string(candidate);
  }
  if (accept_name("in")) return "in";
  if (!at_name("not") || peek(1).kind != TokenKind::Name || peek(1).text != "in") return {};
  take();
  take();
  return "not in";
}

ExprPtr ExpressionParser::comparison() {
  const Position at = peek().at;
  std::vector<ExprPtr> operands;
  std::vector<std::string> operators;
  operands.push_back(sum());
  for (std::string found; !(found = comparison_operator()).empty();) {
    operators.push_back(std::move(found));
    operands.push_back(sum());
  }
  if (operators.empty()) return std::move(operands[0]);
  ExprPtr expr = make(ExprKind::Compare, at, "", std::move(operands));
  expr->keywords = std::move(operators);
  return expr;
}

ExprPtr ExpressionParser::sum() {
  return chain(&ExpressionParser::joined, {"+", "-"});
}

ExprPtr ExpressionParser::joined() {
  return chain(&ExpressionParser::product, {"~"});
}

ExprPtr ExpressionParser::product() {
  return chain(&ExpressionParser::power, {"*", "/", "//", "%"});
}

ExprPtr ExpressionParser::power() {
  return chain(&ExpressionParser::unary, {"**"});
}

ExprPtr ExpressionParser::unary() {
  return filters(unary_without_filters(), false);
}

ExprPtr ExpressionParser::unary_without_filters() {
  if (!at(TokenKind::Operator, "-") && !at(TokenKind::Operator, "+")) return postfix(primary());
  const Run::Nested nested(run_);
  const Token sign = take();
  return node(ExprKind::Unary, sign.at, sign.text, unary_without_filters());
}

ExprPtr ExpressionParser::primary() {
  const Position at = peek().at;
  switch (peek().kind) {
    case TokenKind::Name:
      return named_constant();
    case TokenKind::Integer:
    case TokenKind::Float:
      return number();
    case TokenKind::String: {
      std::string text;
      while (this->at(TokenKind::String)) text += take().text;  // 'a' 'b' is 'ab'
      ExprPtr expr = node(ExprKind::Literal, at, "");
      expr->literal = Value(std::move(text));
      return expr;
    }
    default:
      break;
  }
  if (this->at(TokenKind::Operator, "(")) return parenthesized();
  if (this->at(TokenKind::Operator, "[")) return list();
  if (this->at(TokenKind::Operator, "{")) return dict();
  fail_unexpected("an expression");
}

ExprPtr ExpressionParser::named_constant() {
  const Token token = take();
  const std::string& name = token.text;
  Value value;
  if (name == "true" || name == "True") {
    value = true;
  } else if (name == "false" || name == "False") {
    value = false;
  } else if (name == "none" || name == "None") {
    value = None{};
  } else {
    return node(ExprKind::Name, token.at, name);
  }
  ExprPtr expr = node(ExprKind::Literal, token.at, "");
  expr->literal = std::move(value);
  return expr;
}

ExprPtr ExpressionParser::number() {
  const Token token = take();
  ExprPtr expr = node(ExprKind::Literal, token.at, "");
  if (token.kind == TokenKind::Float) {
    expr->literal = std::strtod(token.text.c_str(), nullptr);
    return expr;
  }
  int64_t value = 0;
  const char* end = token.text.data() + token.text.size();
  if (std::from_chars(token.text.data(), end, value).ec != std::errc()) {
    run_.fail("the number {} does not fit in 64 bits", token.text);
  }
  expr->literal = value;
  return expr;
}

ExprPtr ExpressionParser::parenthesized() {
  const Position at = take().at;
  ExprPtr inner = this->at(TokenKind::Operator, ")") ? make(ExprKind::Tuple, at, "", {}) : tuple();
  expect_operator(")");
  return inner;
}

ExprPtr ExpressionParser::list() {
  const Position at = take().at;
  std::vector<ExprPtr> items;
  while (!this->at(TokenKind::Operator, "]")) {
    items.push_back(expression());
    if (!accept_operator(",")) break;
  }
  expect_operator("]");
  return make(ExprKind::List, at, "", std::move(items));
}

ExprPtr ExpressionParser::dict() {
  const Position at = take().at;
  std::vector<ExprPtr> items;
  while (!this->at(TokenKind::Operator, "}")) {
    items.push_back(expression());
    expect_operator(":");
    items.push_back(expression());
    if (!accept_operator(",")) break;
  }
  expect_operator("}");
  return make(ExprKind::Dict, at, "", std::move(items));
}

ExprPtr ExpressionParser::postfix(ExprPtr object) {
  for (;;) {
    if (at(TokenKind::Operator, ".")) {
      object = attribute(std::move(object));
    } else if (at(TokenKind::Operator, "[")) {
      object = subscript(std::move(object));
    } else if (at(TokenKind::Operator, "(")) {
      object = node(ExprKind::Call, peek().at, "", std::move(object));
      arguments(*object);
    } else {
      return object;
    }
  }
}

ExprPtr ExpressionParser::attribute(ExprPtr object) {
  take();
  if (at(TokenKind::Integer)) {  // pair.0
    const Position at = peek().at;
    return node(ExprKind::Subscript, at, "", std::move(object), number());
  }
  const Position at = peek().at;
  return node(ExprKind::Attribute, at, expect_any_name("a name after '.'"), std::move(object));
}

ExprPtr ExpressionParser::subscript(ExprPtr object) {
  const Position at = take().at;
  const auto is = [&](std::string_view text) { return this->at(TokenKind::Operator, text); };
  ExprPtr bounds[3];
  bool is_slice = false;
  if (!is(":")) bounds[0] = tuple();
  for (int i = 1; i < 3 && accept_operator(":"); ++i) {
    is_slice = true;
    if (!is("]") && !is(":")) bounds[i] = expression();
  }
  expect_operator("]");
  if (!is_slice) {
    return node(ExprKind::Subscript, at, "", std::move(object), std::move(bounds[0]));
  }
  return node(ExprKind::Slice, at, "", std::move(object), std::move(bounds[0]),
              std::move(bounds[1]), std::move(bounds[2]));
}

/// `(a, b, name=c)`, appended to the children of a call, filter or test.
void ExpressionParser::arguments(Expr& call) {
  expect_operator("(");
  while (!at(TokenKind::Operator, ")")) {
    if (at(TokenKind::Operator, "*") || at(TokenKind::Operator, "**")) {
      fail_unexpected("an argument");
    }
    if (peek().kind == TokenKind::Name && peek(1).kind == TokenKind::Operator &&
        peek(1).text == "=") {
      call.keywords.push_back(take().text);
      take();
    } else if (!call.keywords.empty()) {
      fail_unexpected("a named argument");
    }
    call.children.push_back(expression());
    call.depth = std::max(call.depth, call.children.back()->depth + 1);
    if (!accept_operator(",")) break;
  }
  expect_operator(")");
}

/// What follows a value: | filter, `is` test, and calls of their results.
ExprPtr ExpressionParser::filters(ExprPtr input, bool first_without_pipe) {
  for (;;) {
    if (first_without_pipe || at(TokenKind::Operator, "|")) {
      if (!std::exchange(first_without_pipe, false)) take();
      const Position at = peek().at;
      input = node(ExprKind::Filter, at, expect_any_name("a filter's name"), std::move(input));
      if (this->at(TokenKind::Operator, "(")) arguments(*input);
    } else if (input && at_name("is")) {
      input = test(std::move(input));
    } else {
      return input;
    }
  }
}

ExprPtr ExpressionParser::test(ExprPtr operand) {
  take();
  const bool negated = accept_name("not");
  const Position at = peek().at;
  ExprPtr expr = node(ExprKind::Test, at, expect_any_name("a test's name"), std::move(operand));
  const bool ends = at_name("else") || at_name("or") || at_name("and") || at_name("is") ||
                    at_name("if") || at_name("in") || at_name("not");
  const TokenKind kind = peek().kind;
  if (this->at(TokenKind::Operator, "(")) {
    arguments(*expr);
  } else if ((kind == TokenKind::Name && !ends) || kind == TokenKind::String ||
             kind == TokenKind::Integer || kind == TokenKind::Float ||
             this->at(TokenKind::Operator, "[") || this->at(TokenKind::Operator, "{")) {
    expr->children.push_back(postfix(primary()));  // x is divisibleby 3
    expr->depth = std::max(expr->depth, expr->children.back()->depth + 1);
  }
  return negated ? node(ExprKind::Unary, at, "not", std::move(expr)) : std::move(expr);
}

}  // namespace verge::text::jinja
