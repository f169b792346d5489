#pragma once
// recompute: forward values that a training step keeps for its backward pass are computed there a
// second time instead, until the arena is small enough: single cheap operators, or chains of them
// from what is kept anyway (gradient checkpointing: Chen et al. 2016; by bytes for their cost:
// Kirisame et al. 2021). Runs after all passes; the same kernels on the same values give the same
// bits.

#include <functional>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

struct Recomputed {
  Graph graph;
  int64_t arena_bytes = 0;
  int64_t values = 0;  // that are computed twice
};

/// `arena_bytes` plans a graph, workspaces included. Each round takes, of the values alive at the
/// peak, the one that saves most bytes for the time it costs, and ends at target_bytes or where
/// nothing helps any more. What updates memory in place is not run twice.
Recomputed recompute(Graph graph, int64_t target_bytes,
                     const std::function<int64_t(const Graph&)>& arena_bytes);

}  // namespace verge::graph
