#include <utility>

#include <verge/engine/text/grammar/automaton.hpp>
#include <verge/engine/text/grammar/network.hpp>

namespace verge::text::grammar {
namespace {

using Kind = Expression::Kind;

class NetworkBuilder {
 public:
  explicit NetworkBuilder(const Rules& rules) : rules_(rules) {}

  Result<Network> build(int32_t root) {
    part_of_rule(root);
    for (size_t i = 0; i < network_.parts.size() && !full(); ++i) {
      const Network::Part part = network_.parts[i];
      rule_ = part.rule;
      connect(bodies_[i], part.start, part.end);
    }
    if (full()) {
      return make_error(Code::Unsupported,
                        "grammar: more than {} states in rule '{}'; use smaller repetitions",
                        kMaxStates, rules_.rule(rule_).name);
    }
    return std::move(network_);
  }

 private:
  bool full() const {
    return network_.states > kMaxStates || network_.edges.size() > 4 * size_t{kMaxStates};
  }

  int32_t add_state() { return network_.states++; }

  void skip(int32_t from, int32_t to) {
    network_.edges.push_back({from, to, Network::EdgeKind::Skip});
  }

  int32_t add_part(Node body, int32_t rule) {
    const int32_t start = add_state();
    network_.parts.push_back({start, add_state(), rule});
    bodies_.push_back(body);
    return static_cast<int32_t>(bodies_.size() - 1);
  }

  int32_t part_of_rule(int32_t rule) {
    const auto [found, is_new] = rule_parts_.emplace(rule, -1);
    if (is_new) found->second = add_part(rules_.rule(rule).body, rule);
    return found->second;
  }

  int32_t part_of_node(Node node) {
    const auto [found, is_new] = node_parts_.emplace(node, -1);
    if (is_new) found->second = add_part(node, rule_);
    return found->second;
  }

  void call(int32_t part, int32_t from, int32_t to) {
    network_.edges.push_back({from, to, Network::EdgeKind::Call, {}, part});
  }

  // Edges for `node` between two states. `from` may have other edges; `to` is entered only.
  void connect(Node node, int32_t from, int32_t to) {
    if (full()) return;
    const Expression& expression = rules_[node];
    switch (expression.kind) {
      case Kind::Never:
        return;
      case Kind::Literal:
        return connect_literal(expression.text, from, to);
      case Kind::Class:
        return connect_class(expression.set, from, to);
      case Kind::Sequence:
        return connect_sequence(expression.parts, from, to);
      case Kind::Choice:
        for (const Node part : expression.parts) connect(part, from, to);
        return;
      case Kind::Repeat:
        return connect_repeat(expression, from, to);
      case Kind::Call:
        return call(part_of_rule(expression.rule), from, to);
    }
  }

  void connect_literal(const std::string& text, int32_t from, int32_t to) {
    if (text.empty()) return skip(from, to);
    for (size_t i = 0; i < text.size() && !full(); ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      const int32_t next = i + 1 == text.size() ? to : add_state();
      network_.edges.push_back({from, next, Network::EdgeKind::Byte, {byte, byte}});
      from = next;
    }
  }

  // Sequences share the states of their common tails.
  void connect_class(const CodePointSet& set, int32_t from, int32_t to) {
    std::map<ByteSequence, int32_t> tails;
    for (const ByteSequence& sequence : utf8_sequences(set)) {
      if (full()) return;
      int32_t next = to;
      for (size_t i = sequence.size() - 1; i > 0; --i) {
        const auto [found, is_new] = tails.emplace(
            ByteSequence(sequence.begin() + static_cast<int64_t>(i), sequence.end()), -1);
        if (is_new) {
          found->second = add_state();
          network_.edges.push_back({found->second, next, Network::EdgeKind::Byte, sequence[i]});
        }
        next = found->second;
      }
      network_.edges.push_back({from, next, Network::EdgeKind::Byte, sequence[0]});
    }
  }

  void connect_sequence(const std::vector<Node>& parts, int32_t from, int32_t to) {
    for (size_t i = 0; i < parts.size() && !full(); ++i) {
      const int32_t next = i + 1 == parts.size() ? to : add_state();
      connect(parts[i], from, next);
      from = next;
    }
  }

  // One copy of what is repeated, if copies would cost more than calls.
  void connect_copy(Node node, bool shared, int32_t from, int32_t to) {
    if (shared) return call(part_of_node(node), from, to);
    connect(node, from, to);
  }

  bool is_simple(Node node) const {
    const Expression& expression = rules_[node];
    return expression.kind == Kind::Call ||
           (expression.kind == Kind::Literal && expression.text.size() <= 2) ||
           (expression.kind == Kind::Class && !expression.set.empty() &&
            expression.set.back().last <= 0x7F);
  }

  void connect_repeat(const Expression& repeat, int32_t from, int32_t to) {
    const Node node = repeat.parts[0];
    const bool endless = repeat.most < 0;
    const int64_t copies = endless ? repeat.least : repeat.most;
    const bool shared = copies > 2 && !is_simple(node);
    if (repeat.least == 0 && !endless) skip(from, to);
    for (int64_t i = 0; i < copies && !full(); ++i) {
      const bool last = i + 1 == copies && !endless;
      const int32_t next = last ? to : add_state();
      connect_copy(node, shared, from, next);
      if (!last && !endless && i + 1 >= repeat.least) skip(next, to);
      from = next;
    }
    if (!endless) return;
    const int32_t loop = add_state();
    skip(from, loop);
    connect_copy(node, shared, loop, loop);
    skip(loop, to);
  }

  const Rules& rules_;
  Network network_;
  std::vector<Node> bodies_;  // of the parts
  std::map<int32_t, int32_t> rule_parts_, node_parts_;
  int32_t rule_ = -1;  // whose body is being connected
};

}  // namespace

Result<Network> make_network(const Rules& rules, int32_t root) {
  return NetworkBuilder(rules).build(root);
}

}  // namespace verge::text::grammar
