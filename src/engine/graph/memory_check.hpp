#pragma once
// check_memory_plan: whether a graph computes the right results in a plan's memory. It knows
// nothing of how plans are made: it walks the nodes and asks whether what each reads is still
// there. The oracle of the planner's tests, and what makes plan files from outside safe to run.

#include <verge/engine/graph/planner.hpp>

namespace verge::graph {

/// Fails with Malformed, naming the value, for a place outside the arena, too small or unaligned;
/// for a value or workspace that overwrites what is still needed; for a view or an in-place result
/// that lies elsewhere than its source. The graph must be verified.
Status check_memory_plan(const Graph& graph, const MemoryPlan& plan);

}  // namespace verge::graph
