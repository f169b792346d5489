#pragma once
// What passes share: questions about a Graph, and removal of what nobody needs.

#include <optional>
#include <string>
#include <vector>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// For each value, the nodes that read it, in order.
std::vector<std::vector<NodeId>> readers_of(const Graph& graph);

/// For each value, the node that computes it, or -1.
std::vector<NodeId> producers_of(const Graph& graph);

/// The node of the same phase that alone reads output 0 of node `n`, which is no result of the
/// graph, or -1.
NodeId only_reader(const Graph& graph, const std::vector<std::vector<NodeId>>& readers, size_t n);

/// What a product calls this node in its attribute "activation" (activation.hpp). Empty where no
/// product has it, or where it also keeps a mask for a gradient.
std::string epilogue_activation(const Node& node);

/// The single number that a constant repeats, or nothing.
std::optional<double> number_of(const Graph& graph, ValueId id);

/// For each value, whether a node overwrites its memory: no pass may add readers of it.
std::vector<bool> overwritten_values(const Graph& graph);

/// For each node, the nodes that must run before it: those that compute what it reads, and those
/// that read, directly or through views, what it overwrites. An update that needs nothing runs
/// after what its readers need.
std::vector<std::vector<NodeId>> predecessors_of(const Graph& graph);

/// Puts the nodes into this order.
void reorder_nodes(Graph& graph, const std::vector<size_t>& order);

/// Values whose readers shall read another value instead.
class Substitution {
 public:
  explicit Substitution(const Graph& graph);
  void replace(ValueId from, ValueId by) { by_[static_cast<size_t>(from)] = by; }
  void apply(Node& node) const;
  /// For a value that was added to the graph.
  void grow() { by_.push_back(static_cast<ValueId>(by_.size())); }

 private:
  std::vector<ValueId> by_;
};

/// Drops the nodes marked and the values that nobody mentions any more, and renumbers the rest.
/// Inputs and states stay, because callers know them by name.
void remove_nodes(Graph& graph, const std::vector<bool>& removed);

}  // namespace verge::graph
