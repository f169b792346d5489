#pragma once
// The memory planner: gives every activation an offset in one arena, so that a Plan never
// allocates. Values whose lives do not overlap share memory; an operator that may work in place
// does so when it is the last reader. Offsets: buffers by size, by size with those alive at the
// peak first, by size times life, and by birth, each into the lowest and into the tightest gap that
// fits (Pisarchyk & Lee 2020); the smallest arena of the eight wins. Alignment 64 bytes.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Memory shared by one or more values (views and in-place results), or one node's workspace.
struct Buffer {
  std::string name;  // of the first value, or the node's operator
  int64_t bytes = 0;
  NodeId first = 0;     // the node that writes it first
  NodeId last = 0;      // the node that reads it last
  int64_t offset = -1;  // in the arena
};

struct MemoryPlan {
  std::vector<Buffer> buffers;
  std::vector<int32_t>
      buffer_of_value;  // -1: not in the arena (input, param, state, const, unread)
  std::vector<int32_t> workspace_of_node;  // -1: none
  int64_t arena_bytes = 0;
  int64_t lower_bound_bytes = 0;  // max over nodes of the bytes alive: no plan can be smaller
  NodeId peak_node = 0;           // where that maximum is
};

/// Plans all activations at the upper bound of their extents. `workspace_bytes` is by node (or
/// empty).
MemoryPlan plan_memory(const Graph& graph, const std::vector<int64_t>& workspace_bytes = {});

/// Bytes alive at each node: what the memory-over-time picture shows.
std::vector<int64_t> live_bytes(const MemoryPlan& plan, size_t nodes);

}  // namespace verge::graph
