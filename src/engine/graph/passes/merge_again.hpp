#pragma once

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// A weight merged of its channels (merge_channels) for the forward pass is merged once more where
/// gradients read it, instead of staying in the arena in between: a copy is cheap.
Graph merge_again(Graph graph);

}  // namespace verge::graph
