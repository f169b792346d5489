#pragma once
// RegionBody: a region as a graph of its own, as a `delegate` holds it (delegate_body.hpp), and how
// it is joined to the rest.

#include <verge/engine/graph/passes/regions.hpp>

namespace verge::graph {

struct RegionBody {
  Graph body;
  std::vector<ValueId> inputs;   // of the whole graph, for the body's inputs and params in order
  std::vector<ValueId> outputs;  // what others read, for the body's outputs
  std::vector<size_t> given;     // those of `inputs` that are known only at a run
  int64_t weight_bytes = 0;
  int64_t bytes_in = 0;  // of `given`
  int64_t bytes_out = 0;
};

/// `readers`: of readers_of(graph).
RegionBody make_body(const Graph& graph, const Region& region,
                     const std::vector<std::vector<NodeId>>& readers);

/// The body of one node, which need not be in `graph.nodes`; all its outputs are the body's.
RegionBody body_of_node(const Graph& graph, const Node& node);

}  // namespace verge::graph
