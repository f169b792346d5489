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
  uint32_t packed = 0;                         // bit i: input i is wanted in the kernel's layout
  std::string_view choice = {};                // of the kernel's ways, where it has several
};

/// What of the immutable weights is held a second time in their kernels' layouts: all that is
/// faster so, or what no kernel can read otherwise.
enum class Packing { Wanted, Least };

struct Program {
  graph::Graph graph;
  std::vector<ProgramStep> steps;
  graph::MemoryPlan memory;
  kernels::Isa isa = kernels::Isa::Generic;
  int threads = 1;  // the workspaces are for as many
  Packing packing = Packing::Wanted;
};

class KernelChooser;

/// Verifies the graph, chooses kernels and plans the memory. Without a chooser each kernel takes
/// its first way, which a rule says.
Result<Program> make_program(graph::Graph graph, kernels::Isa isa, int threads,
                             KernelChooser* chooser = nullptr, Packing packing = Packing::Wanted);

/// The kernel of each node, as make_program chooses. Weights that an update writes stay as they
/// are.
std::vector<ProgramStep> choose_kernels(const graph::Graph& graph, KernelChooser* chooser = nullptr,
                                        Packing packing = Packing::Wanted);

/// How long a node, whose values are in the graph, takes in its fastest way: measured, or known.
double node_seconds(const graph::Graph& graph, const graph::Node& node, KernelChooser& chooser);

/// Gives a step one of its kernel's ways by name, or the first by an empty one. Fails with Conflict
/// where the kernel has no such way for this call.
Status set_choice(const graph::Graph& graph, std::string_view choice, ProgramStep& step);

/// Whether the kernel of a step, which reads weights in a layout of its own, can read them as they
/// are as well.
bool can_unpack(const graph::Graph& graph, const ProgramStep& step);
/// Lets it, in its first way.
void unpack(const graph::Graph& graph, ProgramStep& step);

/// Scratch memory that the kernels want, by node.
std::vector<int64_t> workspace_bytes(const graph::Graph& graph,
                                     const std::vector<ProgramStep>& steps, int threads,
                                     kernels::Isa isa);

/// Plans the memory of the program's steps, anew after they were changed.
void plan_memory(Program& program);

/// What tells a layout of a kernel's own apart from the others of the same weight.
std::string prepared_form(const kernels::KernelDef& kernel, const graph::KernelCall& call,
                          size_t input, kernels::Isa isa);

/// A frozen weight in a layout of kernels, made when the program is bound and never again.
struct PreparedWeight {
  graph::ValueId weight = graph::kNone;
  graph::NodeId node = 0;  // the first that reads it so
  std::string_view choice = {};
  int64_t bytes = 0;
};

/// What binding the program makes: each weight packed once, prepared once a form. A store that
/// another program has filled may have them already.
std::vector<PreparedWeight> prepared_weights(const Program& program);
/// What they take.
int64_t prepared_weight_bytes(const Program& program);

}  // namespace verge::runtime
