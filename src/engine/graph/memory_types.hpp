#pragma once
// What planned memory holds: bytes by element type, so that a graph of 8-bit levels shows how much
// of its arena is f32 all the same.

#include <map>
#include <string>

#include <verge/engine/graph/planner.hpp>

namespace verge::graph {

/// Bytes alive at a node by the name of their type: "i8", "f32", ..., and "workspace" of the
/// kernel.
std::map<std::string, int64_t> bytes_by_type(const Graph& graph, const MemoryPlan& plan,
                                             NodeId node);

/// The most bytes of a type that are alive at once.
int64_t most_bytes_of(const Graph& graph, const MemoryPlan& plan, DType dtype);

/// "i8 64 KiB, f32 12 KiB", the largest first.
std::string show_types(const std::map<std::string, int64_t>& bytes);

}  // namespace verge::graph
