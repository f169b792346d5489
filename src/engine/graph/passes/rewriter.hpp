#pragma once
// Rewriter: the nodes of a graph taken one after the other into a new list, so that a pass can look
// at what an operator reads and put nodes before it. Values keep their ids.

#include <string>
#include <vector>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {

/// A value as factor * base + offset, through nodes of `scale`.
struct ScaledValue {
  ValueId base = kNone;
  double factor = 1, offset = 0;
};

class Rewriter {
 public:
  explicit Rewriter(Graph& graph);

  /// Takes the next node over; `rewrite(node)` may change it and call before(). It returns false
  /// where readers of output 0 shall read input 0 instead.
  template <typename F>
  void for_each_node(F rewrite) {
    for (Node& old : old_) {
      Node node = std::move(old);
      substitution_.apply(node);
      if (rewrite(node)) {
        append(std::move(node));
      } else {
        substitution_.replace(node.outputs[0], node.inputs[0]);
      }
    }
    graph_.nodes = std::move(nodes_);
  }

  /// A node of the phase and source of `like` before the one at hand; its result is of the type of
  /// output 0 of `like`.
  ValueId before(const Node& like, std::string_view op, std::vector<ValueId> inputs, Attrs attrs);
  ValueId constant(std::string name, Tensor data);
  /// How often the value is read, by callers of the graph as well.
  size_t uses(ValueId id) const { return uses_[static_cast<size_t>(id)]; }
  /// The node of this operator that computes the value in the phase of `like`, or null.
  const Node* made_by(ValueId id, std::string_view op, const Node& like) const;
  /// The value as every node of `scale` before it shows it, itself first.
  std::vector<ScaledValue> scaled(ValueId id, const Node& like) const;
  /// Nothing overwrites the value: it may be read later than it was.
  bool may_read(ValueId id) const { return !overwritten_[static_cast<size_t>(id)]; }
  /// Whether readers of output 0 may read a value of the same type instead.
  bool may_vanish(const Node& node) const;

  const Graph& graph() const { return graph_; }
  const Type& type(ValueId id) const { return graph_.value(id).type; }

 private:
  void append(Node node);
  ValueId add_value(Value value, size_t uses);

  Graph& graph_;
  std::vector<Node> old_, nodes_;
  std::vector<NodeId> producers_;
  std::vector<size_t> uses_;
  std::vector<bool> overwritten_;
  Substitution substitution_;
};

/// a is b but for `tolerance` of its value.
bool is_nearly(double a, double b, double tolerance = 1e-6);

}  // namespace verge::graph
