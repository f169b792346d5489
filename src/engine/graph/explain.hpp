#pragma once
// explain: why a value is in memory, where, and until when.

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/planner.hpp>

namespace verge::graph {

struct ValueLife {
  ValueId value = kNone;
  NodeId producer = -1;         // -1: given from outside
  std::vector<NodeId> readers;  // in order, of the value itself and through views of it
  bool is_output = false;       // itself or a view of it: the caller reads it after the run
  int32_t buffer = -1;          // -1: not in the arena
  std::vector<ValueId> shares;  // other values in the same buffer
};

ValueLife life_of(const Graph& graph, const MemoryPlan& plan, ValueId id);

/// The same in words: producer, size, readers by phase, which one keeps it, offset, whether it is
/// alive at the peak. `name`: the value's, or its number as the text form prints it. Fails with
/// NotFound naming values that are near.
Result<std::string> explain(const Graph& graph, const MemoryPlan& plan, std::string_view name);

}  // namespace verge::graph
