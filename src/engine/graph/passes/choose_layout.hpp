#pragma once
// choose_layout: images of a network held with their channels in blocks (channel_blocks.hpp) where
// that makes the whole of it faster. Each node that can run on either layout has a time on each,
// each change between them has one, and the sum over the graph is made least, exactly: a smallest
// cut (min_cut.hpp). For frozen networks, whose weights are packed once. Runs after the passes that
// give convolutions their activation and residual.

#include <functional>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Seconds that a node takes, whose values are in the graph.
using NodeSeconds = std::function<double(const Graph&, const Node&)>;

/// Without `seconds` the graph stays as it is.
Graph choose_layout(Graph graph, const NodeSeconds& seconds);

/// Seconds by operations and bytes at rates of a small processor, where nothing may be measured.
double estimated_seconds(const Graph& graph, const Node& node);

}  // namespace verge::graph
