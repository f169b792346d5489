#pragma once
// Tokens to expressions, with Jinja's precedence:
//   if-else < or < and < not < comparison, in, is < + - < ~ < * / // % < ** < - + < . [] () < |

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/jinja/ast.hpp>
#include <verge/engine/text/jinja/lexer.hpp>

namespace verge::text::jinja {

class ExpressionParser {
 public:
  /// Both must outlive the parser. Parsing fails in `run` at the token that does not fit.
  ExpressionParser(Run& run, const std::vector<Token>& tokens) : run_(run), tokens_(tokens) {}

  /// One expression; with commas, a tuple.
  ExprPtr tuple();
  /// One expression without commas. `conditional` false leaves `if` to the caller (for ... if).
  ExprPtr expression(bool conditional = true);
  /// `name(arguments) | name ...`, the filters of a block; null if no filter stands here.
  ExprPtr filters(ExprPtr input, bool first_without_pipe);

  const Token& peek(size_t ahead = 0) const;
  Token take();
  /// Index of the token that peek shows.
  size_t place() const { return next_; }
  bool at(TokenKind kind, std::string_view text = {}) const;
  bool at_name(std::string_view text) const { return at(TokenKind::Name, text); }
  bool accept_operator(std::string_view text);
  bool accept_name(std::string_view text);
  void expect_operator(std::string_view text);
  void expect_name(std::string_view text);
  std::string expect_any_name(std::string_view what);
  void expect(TokenKind kind, std::string_view what);
  [[noreturn]] void fail_unexpected(std::string_view wanted) const;

 private:
  ExprPtr make(ExprKind kind, Position at, std::string text, std::vector<ExprPtr> children) const;
  template <typename... Children>
  ExprPtr node(ExprKind kind, Position at, std::string text, Children... children) const;
  ExprPtr chain(ExprPtr (ExpressionParser::*operand)(), std::vector<std::string_view> operators);
  ExprPtr logic_or();
  ExprPtr logic_and();
  ExprPtr logic_not();
  ExprPtr comparison();
  std::string comparison_operator();
  ExprPtr sum();
  ExprPtr joined();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary();
  ExprPtr unary_without_filters();
  ExprPtr primary();
  ExprPtr named_constant();
  ExprPtr number();
  ExprPtr parenthesized();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr object);
  ExprPtr attribute(ExprPtr object);
  ExprPtr subscript(ExprPtr object);
  ExprPtr test(ExprPtr operand);
  void arguments(Expr& call);

  Run& run_;
  const std::vector<Token>& tokens_;
  size_t next_ = 0;
};

}  // namespace verge::text::jinja
