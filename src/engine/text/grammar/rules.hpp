#pragma once
// Rules: a grammar as expressions over characters, before it is compiled. Notations (GBNF, JSON
// schema, regular expressions) are read into it.
//
//   Rules rules;
//   const int32_t list = rules.declare("list");
//   rules.define(list, rules.sequence({rules.literal("a"), rules.optional(rules.call(list))}));

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <verge/engine/text/grammar/code_points.hpp>

namespace verge::text::grammar {

/// Names an expression of one Rules; usable in any number of places.
using Node = int32_t;

constexpr size_t kMaxNodes = size_t{1} << 20;

struct Expression {
  enum class Kind { Never, Literal, Class, Sequence, Choice, Repeat, Call };
  Kind kind = Kind::Never;
  std::string text = {};         // Literal: bytes, maybe none
  CodePointSet set = {};         // Class
  std::vector<Node> parts = {};  // Sequence, Choice; Repeat: one
  int64_t least = 0;             // Repeat
  int64_t most = 0;              // Repeat: -1 for no end
  int32_t rule = -1;             // Call
};

struct Rule {
  std::string name;
  Node body = -1;  // -1: declared, not defined
};

class Rules {
 public:
  Node never();  // matches nothing
  Node literal(std::string bytes);
  Node empty() { return literal({}); }
  Node one_of(CodePointSet set);
  Node sequence(std::vector<Node> parts);
  Node choice(std::vector<Node> parts);
  /// `part` from `least` to `most` times; most -1: no end.
  Node repeat(Node part, int64_t least, int64_t most);
  Node optional(Node part) { return repeat(part, 0, 1); }
  Node call(int32_t rule);

  int32_t declare(std::string name);
  void define(int32_t rule, Node body) { rules_[rule].body = body; }
  /// A rule of its own for `body`: worth it for what is repeated or used in many places.
  Node named(std::string name, Node body);

  const Expression& operator[](Node node) const { return nodes_[node]; }
  const Rule& rule(int32_t rule) const { return rules_[rule]; }
  int32_t size() const { return static_cast<int32_t>(rules_.size()); }
  size_t nodes() const { return nodes_.size(); }
  /// More than kMaxNodes were asked for: what is left is not the grammar, and must be refused.
  bool full() const { return full_; }

 private:
  Node add(Expression expression);

  std::vector<Expression> nodes_;
  std::vector<Rule> rules_;
  bool full_ = false;
};

}  // namespace verge::text::grammar
