#pragma once
// memory_svg: the memory of a plan over time as a picture: each buffer of the arena a rectangle
// from its first to its last node and from its offset up; below it the bytes alive at each node
// with the lower bound; beside it what is alive at the peak.

#include <string>

#include <verge/engine/graph/planner.hpp>

namespace verge::graph {

/// `plan` is one of this graph.
std::string draw_memory(const Graph& graph, const MemoryPlan& plan);

/// What a buffer holds, in words: the value's own name, or the operator and layer that make it.
std::string describe_buffer(const Graph& graph, const Buffer& buffer);

}  // namespace verge::graph
