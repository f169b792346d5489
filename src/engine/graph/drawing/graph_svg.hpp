#pragma once
// graph_svg: a graph as a picture: a box a node, in layers from top to bottom, parts that repeat
// drawn once. A box lists operator, layer, what it reads from outside (inputs, weights, states),
// and the types of its results.

#include <string>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

std::string draw_graph(const Graph& graph);

}  // namespace verge::graph
