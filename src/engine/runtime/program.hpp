#pragma once
// Program: what compiling a Graph decides: the kernel of each node, which weights it wants packed,
// and where in one arena everything lies. It needs no weights and no memory, so it can be looked
// at, written to a file (plan_file.hpp) and bound later, by Plan::bind, to a model's weights.

#include <string>
#include <vector>

#include <verge/engine/graph/planner.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::runtime {

/// One node that does work; views do none.
struct ProgramStep {
  graph::NodeId node = 0;
  const kernels::KernelDef* kernel = nullptr;  // nullptr: the operator's reference
  uint32_t packed = 0;                         // bit i: input i is wanted in the packed layout
};

struct Program {
  graph::Graph graph;
  std::vector<ProgramStep> steps;
  graph::MemoryPlan memory;
  kernels::Isa isa = kernels::Isa::Generic;
  int threads = 1;  // the workspaces are for as many
};

/// Verifies the graph, chooses kernels and plans the memory.
Result<Program> make_program(graph::Graph graph, kernels::Isa isa, int threads);

/// The kernel of each node, as make_program chooses. A kernel may have immutable weights packed;
/// those that an update writes stay as they are.
std::vector<ProgramStep> choose_kernels(const graph::Graph& graph);

/// Scratch memory that the kernels want, by node.
std::vector<int64_t> workspace_bytes(const graph::Graph& graph,
                                     const std::vector<ProgramStep>& steps, int threads,
                                     kernels::Isa isa);

}  // namespace verge::runtime
