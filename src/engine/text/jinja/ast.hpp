#pragma once
// The syntax tree of a template. All expressions share one node, so that walks over the tree (its
// depth, the names it reads) need no case for each kind.

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

enum class ExprKind {  // children; what `text` is
  Literal,             // none; the value is `literal`
  Name,                // none; the variable
  List,                // the items
  Tuple,               // the items
  Dict,                // key, value, key, value ...
  Attribute,           // object; the attribute
  Subscript,           // object, key
  Slice,               // object, start, stop, step, any but the object null
  Unary,               // operand; "not", "-" or "+"
  Binary,              // left, right; the operator
  Compare,             // the operands of a < b <= c; the operators are `keywords`
  Logic,               // left, right; "and" or "or"
  Conditional,         // condition, then, else (null if absent)
  Call,                // callee, arguments
  Filter,              // input (null inside a filter block), arguments; the filter
  Test,                // operand, arguments; the test
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  ExprKind kind;
  Position at;
  std::string text;
  Value literal;
  std::vector<ExprPtr> children;
  std::vector<std::string> keywords;  // names of the last keywords.size() arguments
  int depth = 1;                      // of the tree below, itself included
};

struct Statement;
using Block = std::vector<Statement>;

struct TextOutput {
  std::string text;
};
struct Output {
  ExprPtr value;
};
struct If {
  struct Branch {
    ExprPtr condition;  // null for else
    Block body;
  };
  std::vector<Branch> branches;
};
struct For {
  std::vector<std::string> targets;  // one, or several to unpack into
  ExprPtr iterable;
  ExprPtr filter;  // null if absent
  Block body;
  Block otherwise;
  bool reads_loop = false;  // whether the body needs the variable `loop`
};
struct Set {
  std::vector<std::string> targets;
  std::string attribute;  // of a namespace; empty for a plain variable
  ExprPtr value;          // null for a block
  Block body;             // of a set block, or of a filter block
  ExprPtr filter;         // chain applied to the body's text; null if absent
};
struct FilterBlock {
  ExprPtr filter;
  Block body;
};
struct With {
  std::vector<std::pair<std::string, ExprPtr>> variables;
  Block body;
};
struct Macro {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExprPtr> defaults;  // of the last parameters
  Block body;
};
struct Break {};
struct Continue {};

struct Statement {
  Position at;
  std::variant<TextOutput, Output, If, For, Set, FilterBlock, With, Macro, Break, Continue> node;
};

}  // namespace verge::text::jinja
