#pragma once
// Canaries: an arena whose buffers share nothing and have guard bytes between them, so that a
// kernel that writes past its output, or reads what nobody has written, shows. Plans have them
// where PlanOptions asks, and all of a debug build.

#include <cstddef>

#include <verge/engine/graph/planner.hpp>

namespace verge::runtime {

/// Moves the buffers apart, a guard before each and one after the last.
void spread_buffers(graph::MemoryPlan& memory);

/// Fills buffers with NaN (of f32, f16 and bf16) and guards with their pattern.
void poison_arena(std::byte* arena, const graph::MemoryPlan& memory);

/// Fails as a bug, naming the buffer, where a guard has changed.
void check_guards(const std::byte* arena, const graph::MemoryPlan& memory);

}  // namespace verge::runtime
