#include <set>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/runtime/bound_call.hpp>
#include <verge/engine/runtime/kernel_chooser.hpp>
#include <verge/engine/runtime/program.hpp>

namespace verge::runtime {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::ValueId;
using graph::ValueKind;

bool supports(const kernels::KernelDef& kernel, const BoundCall& bound, uint32_t packed) {
  return kernel.supports == nullptr || kernel.supports(bound.call(packed));
}

ProgramStep choose_kernel(const Graph& graph, const Node& node, graph::NodeId id,
                          const std::vector<bool>& overwritten, Packing packing) {
  ProgramStep step{id, nullptr, 0};
  const kernels::KernelDef* kernel = kernels::find_kernel(node.op->name);
  if (kernel == nullptr) return step;
  const BoundCall bound(graph, node);
  if (packing == Packing::Least && supports(*kernel, bound, 0)) return {id, kernel, 0};
  for (size_t i = 0; i < node.inputs.size() && kernel->wants_packed != nullptr; ++i) {
    const ValueId input = node.inputs[i];
    if (input == kNone) continue;
    const ValueKind kind = graph.value(input).kind;
    const bool is_own = kind == ValueKind::Const && kernel->prepare != nullptr;
    if (kind != ValueKind::Param && !is_own) continue;
    if (graph.value(input).is_trainable || overwritten[static_cast<size_t>(input)]) continue;
    if (kernel->wants_packed(bound.call(step.packed), i)) step.packed |= 1u << i;
  }
  return supports(*kernel, bound, step.packed) ? ProgramStep{id, kernel, step.packed}
                                               : ProgramStep{id};
}

// A weight that one kernel has packed is read so by all that can: its first home may then be left.
void share_packed_weights(const Graph& graph, std::vector<ProgramStep>& steps) {
  std::vector<bool> is_packed(graph.values.size());
  const auto each_input = [&](ProgramStep& step, auto visit) {
    const Node& node = graph.nodes[static_cast<size_t>(step.node)];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != kNone) visit(node, i, static_cast<size_t>(node.inputs[i]));
    }
  };
  for (ProgramStep& step : steps) {
    each_input(step, [&](const Node&, size_t i, size_t value) {
      const bool is_own = step.kernel != nullptr && step.kernel->prepare != nullptr;
      if ((step.packed >> i & 1) != 0 && !is_own) is_packed[value] = true;
    });
  }
  for (ProgramStep& step : steps) {
    if (step.kernel == nullptr || step.kernel->reads_packed == nullptr) continue;
    each_input(step, [&](const Node& node, size_t i, size_t value) {
      const BoundCall bound(graph, node);
      if (is_packed[value] && step.kernel->reads_packed(bound.call(step.packed), i)) {
        step.packed |= 1u << i;
      }
    });
  }
}

}  // namespace

std::vector<ProgramStep> choose_kernels(const Graph& graph, KernelChooser* chooser,
                                        Packing packing) {
  const std::vector<bool> overwritten = graph::overwritten_values(graph);
  std::vector<ProgramStep> steps;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op->is_view) continue;
    steps.push_back(
        choose_kernel(graph, graph.nodes[n], static_cast<graph::NodeId>(n), overwritten, packing));
  }
  share_packed_weights(graph, steps);
  for (ProgramStep& step : steps) {
    if (chooser == nullptr || step.kernel == nullptr) continue;
    const BoundCall bound(graph, graph.nodes[static_cast<size_t>(step.node)]);
    step.choice = chooser->choose(*step.kernel, bound.call(step.packed));
  }
  return steps;
}

double node_seconds(const Graph& graph, const Node& node, KernelChooser& chooser) {
  constexpr double kReference = 1;  // never, where there is a kernel
  const ProgramStep step =
      choose_kernel(graph, node, 0, graph::overwritten_values(graph), Packing::Wanted);
  if (step.kernel == nullptr) return kReference;
  const BoundCall bound(graph, node);
  return chooser.seconds(*step.kernel, bound.call(step.packed));
}

Status set_choice(const Graph& graph, std::string_view choice, ProgramStep& step) {
  step.choice = {};
  if (choice.empty()) return {};
  if (step.kernel != nullptr && step.kernel->choices != nullptr) {
    const BoundCall bound(graph, graph.nodes[static_cast<size_t>(step.node)]);
    for (const std::string_view known : step.kernel->choices(bound.call(step.packed))) {
      if (known == choice) step.choice = known;
    }
  }
  if (!step.choice.empty()) return {};
  return make_error(Code::Conflict, "node {} cannot run as {}; compile the plan anew", step.node,
                    choice);
}

std::vector<int64_t> workspace_bytes(const Graph& graph, const std::vector<ProgramStep>& steps,
                                     int threads, kernels::Isa isa) {
  std::vector<int64_t> bytes(graph.nodes.size());
  for (const ProgramStep& step : steps) {
    if (step.kernel == nullptr || step.kernel->workspace_bytes == nullptr) continue;
    const BoundCall bound(graph, graph.nodes[static_cast<size_t>(step.node)]);
    bytes[static_cast<size_t>(step.node)] =
        step.kernel->workspace_bytes(bound.call(step.packed, step.choice), threads, isa);
  }
  return bytes;
}

int64_t prepared_weight_bytes(const Program& program) {
  std::set<ValueId> packed;
  int64_t bytes = 0;
  for (const ProgramStep& step : program.steps) {
    if (step.packed == 0) continue;
    const Node& node = program.graph.nodes[static_cast<size_t>(step.node)];
    const BoundCall bound(program.graph, node);
    const graph::KernelCall call = bound.call(step.packed, step.choice);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!call.is_packed(i)) continue;
      if (step.kernel->prepared_bytes != nullptr) {
        bytes += step.kernel->prepared_bytes(call, i, program.isa);
      } else if (packed.insert(node.inputs[i]).second) {
        const TensorView& weight = bound.inputs[i];
        bytes += kernels::packed_bytes(weight.dtype, weight.shape.rows(), weight.shape.back());
      }
    }
  }
  return bytes;
}

Result<Program> make_program(Graph graph, kernels::Isa isa, int threads, KernelChooser* chooser,
                             Packing packing) {
  VERGE_RETURN_IF_ERROR(graph::verify(graph));
  Program program{std::move(graph), {}, {}, isa, threads, packing};
  program.steps = choose_kernels(program.graph, chooser, packing);
  program.memory = graph::plan_memory(program.graph,
                                      workspace_bytes(program.graph, program.steps, threads, isa));
  return program;
}

}  // namespace verge::runtime
