#include <utility>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

Node Rules::add(Expression expression) {
  if (nodes_.size() >= kMaxNodes) {
    full_ = true;
    return 0;
  }
  nodes_.push_back(std::move(expression));
  return static_cast<Node>(nodes_.size() - 1);
}

Node Rules::never() {
  return add({});
}

Node Rules::literal(std::string bytes) {
  return add({.kind = Expression::Kind::Literal, .text = std::move(bytes)});
}

Node Rules::one_of(CodePointSet set) {
  return add({.kind = Expression::Kind::Class, .set = normalized(std::move(set))});
}

Node Rules::sequence(std::vector<Node> parts) {
  if (parts.size() == 1) return parts[0];
  if (parts.empty()) return empty();
  return add({.kind = Expression::Kind::Sequence, .parts = std::move(parts)});
}

Node Rules::choice(std::vector<Node> parts) {
  if (parts.size() == 1) return parts[0];
  return add({.kind = Expression::Kind::Choice, .parts = std::move(parts)});
}

Node Rules::repeat(Node part, int64_t least, int64_t most) {
  VERGE_CHECK(least >= 0 && (most < 0 || most >= least), least, most);
  return add({.kind = Expression::Kind::Repeat, .parts = {part}, .least = least, .most = most});
}

Node Rules::call(int32_t rule) {
  return add({.kind = Expression::Kind::Call, .rule = rule});
}

int32_t Rules::declare(std::string name) {
  rules_.push_back({std::move(name)});
  return size() - 1;
}

Node Rules::named(std::string name, Node body) {
  const int32_t rule = declare(std::move(name));
  define(rule, body);
  return call(rule);
}

}  // namespace verge::text::grammar
