#include <set>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/text_form.hpp>
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

// The way of a call that nobody timed; empty where there is but one. Said by name, since a smaller
// batch of the run might have another.
std::string_view first_choice(const kernels::KernelDef& kernel, const graph::KernelCall& call) {
  const std::vector<std::string_view> choices = kernel.choices(call);
  return choices.size() < 2 ? std::string_view() : choices.front();
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
  const Caches caches = chooser == nullptr ? Caches::Warm : caches_of(graph, chooser->threads());
  for (ProgramStep& step : steps) {
    if (step.kernel == nullptr || step.kernel->choices == nullptr) continue;
    const BoundCall bound(graph, graph.nodes[static_cast<size_t>(step.node)]);
    const graph::KernelCall call = bound.call(step.packed);
    step.choice = chooser == nullptr ? first_choice(*step.kernel, call)
                                     : chooser->choose(*step.kernel, call, caches);
  }
  return steps;
}

double node_seconds(const Graph& graph, const Node& node, KernelChooser& chooser) {
  constexpr double kReference = 1;  // never, where there is a kernel
  const ProgramStep step =
      choose_kernel(graph, node, 0, graph::overwritten_values(graph), Packing::Wanted);
  if (step.kernel == nullptr) return kReference;
  const BoundCall bound(graph, node);
  return chooser.seconds(*step.kernel, bound.call(step.packed),
                         caches_of(graph, chooser.threads()));
}

Status set_choice(const Graph& graph, std::string_view choice, ProgramStep& step) {
  step.choice = {};
  if (step.kernel != nullptr && step.kernel->choices != nullptr) {
    const BoundCall bound(graph, graph.nodes[static_cast<size_t>(step.node)]);
    const graph::KernelCall call = bound.call(step.packed);
    if (choice.empty()) step.choice = first_choice(*step.kernel, call);
    for (const std::string_view known : step.kernel->choices(call)) {
      if (known == choice) step.choice = known;
    }
  }
  if (choice.empty()) return {};
  if (!step.choice.empty()) return {};
  return make_error(Code::Conflict, "node {} cannot run as {}; compile the plan anew", step.node,
                    choice);
}

bool can_unpack(const Graph& graph, const ProgramStep& step) {
  if (step.packed == 0 || step.kernel == nullptr || step.kernel->prepare == nullptr) return false;
  return supports(*step.kernel, BoundCall(graph, graph.nodes[static_cast<size_t>(step.node)]), 0);
}

void unpack(const Graph& graph, ProgramStep& step) {
  VERGE_CHECK(can_unpack(graph, step), step.node);
  step.packed = 0;
  VERGE_CHECK(set_choice(graph, "", step).ok(), step.node);
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

void plan_memory(Program& program) {
  program.memory = graph::plan_memory(
      program.graph, workspace_bytes(program.graph, program.steps, program.threads, program.isa));
}

std::string prepared_form(const kernels::KernelDef& kernel, const graph::KernelCall& call,
                          size_t input, kernels::Isa isa) {
  std::string form = fmt::format("{} {} {} {}", kernel.op, call.choice, kernels::name(isa),
                                 kernel.prepared_bytes(call, input, isa));
  if (kernel.layout != nullptr) return form + " " + kernel.layout(call);
  form += " " + call.in(0).shape.str();
  for (const auto& [name, attr] : call.attrs.entries()) {
    form += fmt::format(" {}={}", name, graph::show_attr(attr));
  }
  return form;
}

std::vector<PreparedWeight> prepared_weights(const Program& program) {
  std::vector<PreparedWeight> weights;
  std::set<std::pair<ValueId, std::string>> known;
  for (const ProgramStep& step : program.steps) {
    if (step.packed == 0) continue;
    const Node& node = program.graph.nodes[static_cast<size_t>(step.node)];
    const BoundCall bound(program.graph, node);
    const graph::KernelCall call = bound.call(step.packed, step.choice);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!call.is_packed(i)) continue;
      const bool is_own = step.kernel->prepared_bytes != nullptr;
      const bool is_shared = program.graph.value(node.inputs[i]).kind == ValueKind::Param;
      std::string form = is_own ? prepared_form(*step.kernel, call, i, program.isa) : "";
      if (is_shared && !known.emplace(node.inputs[i], std::move(form)).second) continue;
      const TensorView& weight = bound.inputs[i];
      const int64_t bytes =
          is_own ? step.kernel->prepared_bytes(call, i, program.isa)
                 : kernels::packed_bytes(weight.dtype, weight.shape.rows(), weight.shape.back());
      weights.push_back({node.inputs[i], step.node, step.choice, bytes});
    }
  }
  return weights;
}

int64_t prepared_weight_bytes(const Program& program) {
  int64_t bytes = 0;
  for (const PreparedWeight& weight : prepared_weights(program)) bytes += weight.bytes;
  return bytes;
}

Result<Program> make_program(Graph graph, kernels::Isa isa, int threads, KernelChooser* chooser,
                             Packing packing) {
  VERGE_RETURN_IF_ERROR(graph::verify(graph));
  Program program{std::move(graph), {}, {}, isa, threads, packing};
  program.steps = choose_kernels(program.graph, chooser, packing);
  plan_memory(program);
  return program;
}

}  // namespace verge::runtime
