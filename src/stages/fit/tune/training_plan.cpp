#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include <verge/core/units.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/graph/memory_types.hpp>
#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/split_channels.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/stages/fit/tune/step_budget.hpp>

namespace verge::fit {
namespace {

using graph::kNone;
using graph::ValueId;
using graph::ValueKind;

// Each call of a weight as the step has it, in its way and packed or not: what both have prepared
// lies in memory once, and the losses are the step's.
Status take_choices(const runtime::Program& step, runtime::Program& evaluate) {
  using Call = std::pair<std::string_view, std::string_view>;  // operator and weight
  const auto call_of = [](const runtime::Program& program, const runtime::ProgramStep& of) {
    const graph::Node& node = program.graph.nodes[static_cast<size_t>(of.node)];
    const ValueId weight = node.inputs.size() < 2 ? kNone : node.inputs[1];
    const bool is_param = weight != kNone && program.graph.value(weight).kind == ValueKind::Param;
    return is_param ? Call(node.op->name, program.graph.value(weight).name) : Call();
  };
  std::map<Call, const runtime::ProgramStep*> known;
  for (const runtime::ProgramStep& of : step.steps) known.emplace(call_of(step, of), &of);
  for (runtime::ProgramStep& of : evaluate.steps) {
    const Call call = call_of(evaluate, of);
    const auto at = known.find(call);
    if (call.first.empty() || at == known.end()) continue;
    const runtime::ProgramStep& taken = *at->second;
    if (taken.packed == 0 && runtime::can_unpack(evaluate.graph, of)) {
      runtime::unpack(evaluate.graph, of);
    }
    if (taken.packed != of.packed || of.choice.empty()) continue;
    VERGE_RETURN_IF_ERROR(runtime::set_choice(evaluate.graph, taken.choice, of));
  }
  runtime::plan_memory(evaluate);
  return {};
}

// The same network without labels' gradients; what the step updates is read as it is at each run.
// Logits are an output, which those of a language model are not in a step.
Result<runtime::Program> compile_evaluation(graph::Graph forward, const TrainingPlan& plan,
                                            bool shows_logits) {
  const runtime::Program& step = plan.step;
  const std::vector<std::string> updated = runtime::updated_parameters(plan.updating().graph);
  for (graph::Value& value : forward.values) {
    value.is_trainable = std::ranges::find(updated, value.name) != updated.end();
    if (shows_logits && value.name == kLogits) value.is_output = true;
  }
  VERGE_TRY(graph::Optimized optimized,
            graph::optimize(graph::fuse_cross_entropy(std::move(forward))));
  VERGE_TRY(runtime::Program evaluate, runtime::make_program(std::move(optimized.graph), step.isa,
                                                             step.threads, nullptr, step.packing));
  VERGE_RETURN_IF_ERROR(take_choices(step, evaluate));
  return evaluate;
}

// The largest buffer alive at the peak.
std::string largest_at_peak(const graph::MemoryPlan& memory) {
  const graph::Buffer* largest = nullptr;
  for (const graph::Buffer& buffer : memory.buffers) {
    const bool is_alive = buffer.first <= memory.peak_node && buffer.last >= memory.peak_node;
    if (is_alive && (largest == nullptr || buffer.bytes > largest->bytes)) largest = &buffer;
  }
  return largest == nullptr ? ""
                            : fmt::format("{} ({})", largest->name, show_bytes(largest->bytes));
}

std::string name_of_node(const graph::Graph& graph, graph::NodeId id) {
  if (graph.nodes.empty()) return "";
  const graph::Node& node = graph.nodes[static_cast<size_t>(id)];
  return node.source.empty() ? std::string(node.op->name)
                             : fmt::format("{} ({})", node.op->name, node.source);
}

// Adds what a program reads and writes beside its arena; a state of several programs counts once.
void add_values(const graph::Graph& graph, std::set<std::string>& counted, TrainingMemory& memory) {
  const std::vector<std::string> updated = runtime::updated_parameters(graph);
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const graph::Value& value = graph.values[id];
    const int64_t bytes = graph::bound_bytes(graph, static_cast<ValueId>(id));
    if (value.kind == ValueKind::Input || value.kind == ValueKind::Const) memory.io_bytes += bytes;
    if (value.kind == ValueKind::State && counted.insert(value.name).second) {
      memory.state_bytes += bytes;
    }
    const bool is_copied =
        value.kind == ValueKind::Param && std::ranges::find(updated, value.name) != updated.end();
    if (is_copied) memory.parameter_bytes += bytes;
  }
}

// Channels that learn alone become parameters of their own: no more is copied to private memory.
Status split(runtime::TrainingGraph& training) {
  VERGE_TRY(graph::SplitGraph parts,
            graph::split_channels(std::move(training.graph), std::move(training.trainable),
                                  std::move(training.slices), std::move(training.scales)));
  training.graph = std::move(parts.graph);
  training.trainable = std::move(parts.trainable);
  training.slices = std::move(parts.slices);
  training.scales = std::move(parts.scales);
  return {};
}

}  // namespace

TrainingMemory memory_of(const runtime::Program& step,
                         const std::optional<runtime::Program>& update, int64_t frozen_bytes) {
  TrainingMemory memory{.arena_bytes = step.memory.arena_bytes,
                        .lower_bound_bytes = step.memory.lower_bound_bytes,
                        .packed_bytes = runtime::prepared_weight_bytes(step),
                        .frozen_bytes = frozen_bytes};
  for (const graph::Buffer& buffer : step.memory.buffers) memory.unshared_bytes += buffer.bytes;
  memory.peak_node = name_of_node(step.graph, step.memory.peak_node);
  memory.peak_value = largest_at_peak(step.memory);
  memory.peak_types = graph::bytes_by_type(step.graph, step.memory, step.memory.peak_node);
  memory.most_f32_bytes = graph::most_bytes_of(step.graph, step.memory, DType::F32);
  std::set<std::string> counted;
  add_values(step.graph, counted, memory);
  if (!update) return memory;
  add_values(update->graph, counted, memory);
  memory.arena_bytes += update->memory.arena_bytes;
  memory.lower_bound_bytes += update->memory.lower_bound_bytes;
  for (const graph::Buffer& buffer : update->memory.buffers) {
    memory.unshared_bytes += buffer.bytes;
  }
  return memory;
}

TrainingWork work_of(const TrainingPlan& plan) {
  TrainingWork work;
  const auto add = [&work](const graph::Graph& graph, int64_t runs) {
    for (const graph::Node& node : graph.nodes) {
      double& part = node.phase == graph::Phase::Forward    ? work.forward_flops
                     : node.phase == graph::Phase::Backward ? work.backward_flops
                                                            : work.update_flops;
      part += static_cast<double>(runs) * graph::cost_of(graph, node).flops;
    }
  };
  add(plan.step.graph, plan.settings.accumulate);
  if (plan.update) add(plan.update->graph, 1);
  return work;
}

std::vector<std::string> reference_nodes(const TrainingPlan& plan) {
  std::vector<std::string> nodes = runtime::reference_nodes(plan.step);
  if (plan.update) {
    std::ranges::move(runtime::reference_nodes(*plan.update), std::back_inserter(nodes));
  }
  return nodes;
}

Result<TrainingPlan> compile_training(const BaseModel& base, const nn::UpdateScheme& scheme,
                                      const PlanOptions& asked, int threads) {
  PlanOptions options = asked;
  if (is_left_out(options, kTimeKernels)) options.chooser = nullptr;
  const auto values = [&base](const std::string& name) { return base.values(name); };
  VERGE_TRY(nn::TrainablePart part, nn::apply_scheme(base.graph, scheme, values, options.seed));
  if (part.trainable.empty()) {
    return make_error(Code::InvalidArgument, "{}: the scheme updates nothing; name a layer",
                      base.path);
  }
  if (base.kind == BaseKind::Levels && options.accumulate > 1) {
    return make_error(Code::Unsupported,
                      "{}: levels of 8 bits take a step at each pass; leave --accumulate out",
                      base.path);
  }
  TrainingPlan plan;
  plan.settings = {.model = base.path,
                   .hash = base.hash,
                   .shape = options.shape,
                   .optimizer = options.optimizer,
                   .scheme = scheme,
                   .low_rank = part.low_rank,
                   .parameters = part.parameters,
                   .accumulate = options.accumulate,
                   .seed = options.seed};
  runtime::TrainerOptions trainer;
  trainer.optimizer = options.optimizer;
  trainer.disabled_passes = options.disabled_passes;
  for (const std::string_view pass : {kRecompute, kPackWeights, kTimeKernels}) {
    std::erase(trainer.disabled_passes, pass);
  }
  trainer.observe = options.observe;
  trainer.bf16 = options.bf16;
  trainer.accumulate = options.accumulate;
  trainer.plan.isa = options.isa;
  trainer.plan.chooser = options.chooser;
  runtime::TrainingGraph training{part.graph, base.loss, part.trainable, part.slices, base.scales};
  if (base.kind == BaseKind::Levels) VERGE_RETURN_IF_ERROR(split(training));
  part.graph = training.graph;
  VERGE_TRY(runtime::StepPrograms step,
            runtime::compile_step(std::move(training), trainer, threads));
  plan.step = std::move(step.pass);
  plan.update = std::move(step.update);
  if (is_left_out(options, kPackWeights)) {
    VERGE_TRY(plan.step, runtime::make_program(std::move(plan.step.graph), options.isa, threads,
                                               options.chooser, runtime::Packing::Least));
  }
  plan.memory = memory_of(plan.step, plan.update, base.copied_bytes);
  VERGE_RETURN_IF_ERROR(fit_budget(plan, base, options));
  plan.work = work_of(plan);
  VERGE_TRY(plan.evaluate,
            compile_evaluation(std::move(part.graph), plan, base.is_language_model()));
  return plan;
}

Status write_training_plan(const std::string& path, const TrainingPlan& plan) {
  runtime::PlanFile file{.model = plan.settings.hash, .programs = {}};
  file.programs.emplace_back("step", plan.step);
  file.programs.emplace_back("evaluate", plan.evaluate);
  if (plan.update) file.programs.emplace_back("update", *plan.update);
  file.settings = print_settings(plan.settings);
  return runtime::write_plan_file(path, file);
}

Result<TrainingPlan> read_training_plan(const std::string& path) {
  VERGE_TRY(runtime::PlanFile file, runtime::read_plan_file(path));
  const runtime::Program *step = file.find("step"), *evaluate = file.find("evaluate");
  if (step == nullptr || evaluate == nullptr) {
    return make_error(Code::InvalidArgument,
                      "{}: a plan that trains nothing; write one by `verge compile --train`", path);
  }
  auto settings = parse_settings(file.settings);
  if (!settings) {
    return make_error(settings.error().code, "{}: {}", path, settings.error().message);
  }
  TrainingPlan plan{.step = *step, .evaluate = *evaluate, .settings = std::move(*settings)};
  if (const runtime::Program* update = file.find("update")) plan.update = *update;
  if (plan.update.has_value() != (plan.settings.accumulate > 1)) {
    return make_error(Code::Malformed,
                      "{}: {} passes a step {} a program of updates; compile it anew", path,
                      plan.settings.accumulate, plan.update ? "with" : "without");
  }
  plan.memory = memory_of(plan.step, plan.update, 0);
  plan.work = work_of(plan);
  return plan;
}

}  // namespace verge::fit
