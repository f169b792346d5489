#include <algorithm>

#include <verge/core/units.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/graph/memory_types.hpp>
#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/recompute.hpp>
#include <verge/engine/graph/split_channels.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {
namespace {

using graph::kNone;
using graph::ValueId;
using graph::ValueKind;

constexpr std::string_view kRecompute = "recompute";  // runs after the passes, below a budget

// The same network without labels' gradients; what the step updates is read as it is at each run.
Result<runtime::Program> compile_evaluation(graph::Graph forward, const runtime::Program& step) {
  const std::vector<std::string> updated = runtime::updated_parameters(step.graph);
  for (graph::Value& value : forward.values) {
    value.is_trainable = std::ranges::find(updated, value.name) != updated.end();
  }
  VERGE_TRY(graph::Optimized optimized,
            graph::optimize(graph::fuse_cross_entropy(std::move(forward))));
  return runtime::make_program(std::move(optimized.graph), step.isa, step.threads, nullptr,
                               step.packing);
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

// Weights that are packed at each step anew, where that takes less.
Status unpack(TrainingPlan& plan, const BaseModel& base) {
  VERGE_TRY(runtime::Program step,
            runtime::make_program(plan.step.graph, plan.step.isa, plan.step.threads, nullptr,
                                  runtime::Packing::Least));
  TrainingMemory memory = memory_of(step, base.copied_bytes);
  if (memory.total() >= plan.memory.total()) return {};
  plan.step = std::move(step);
  plan.memory = std::move(memory);
  return {};
}

// Values computed twice until the arena leaves the rest its room below the budget.
Status recompute(TrainingPlan& plan, const BaseModel& base, int64_t budget_bytes) {
  const runtime::Program& step = plan.step;
  const auto arena_bytes = [&](const graph::Graph& graph) {
    const auto steps = runtime::choose_kernels(graph, nullptr, step.packing);
    return graph::plan_memory(graph, runtime::workspace_bytes(graph, steps, step.threads, step.isa))
        .arena_bytes;
  };
  graph::Recomputed result = graph::recompute(
      step.graph, budget_bytes - (plan.memory.total() - plan.memory.arena_bytes), arena_bytes);
  plan.recomputed = result.values;
  VERGE_TRY(plan.step, runtime::make_program(std::move(result.graph), step.isa, step.threads,
                                             nullptr, step.packing));
  plan.memory = memory_of(plan.step, base.copied_bytes);
  return {};
}

// What a budget asks for, the cheapest first.
Status shrink(TrainingPlan& plan, const BaseModel& base, const PlanOptions& options) {
  const auto is_within = [&] { return plan.memory.total() <= options.memory_bytes; };
  if (options.memory_bytes <= 0 || is_within()) return {};
  VERGE_RETURN_IF_ERROR(unpack(plan, base));
  const bool may_recompute =
      std::ranges::find(options.disabled_passes, kRecompute) == options.disabled_passes.end();
  if (may_recompute && !is_within()) {
    VERGE_RETURN_IF_ERROR(recompute(plan, base, options.memory_bytes));
  }
  if (is_within()) return {};
  const TrainingMemory& memory = plan.memory;
  return make_error(Code::OutOfMemory,
                    "{} do not do: this scheme takes at least {} (arena {}, state {}, updated "
                    "parameters {}, inputs {}, packed weights {}, f32 copies {}); the peak is at "
                    "{}, where {} is the largest tensor; give --memory {} or a smaller scheme",
                    show_bytes(options.memory_bytes), show_bytes(memory.total()),
                    show_bytes(memory.arena_bytes), show_bytes(memory.state_bytes),
                    show_bytes(memory.parameter_bytes), show_bytes(memory.io_bytes),
                    show_bytes(memory.packed_bytes), show_bytes(memory.frozen_bytes),
                    memory.peak_node, memory.peak_value, memory.total());
}

}  // namespace

TrainingMemory memory_of(const runtime::Program& step, int64_t frozen_bytes) {
  TrainingMemory memory{.arena_bytes = step.memory.arena_bytes,
                        .lower_bound_bytes = step.memory.lower_bound_bytes,
                        .packed_bytes = runtime::prepared_weight_bytes(step),
                        .frozen_bytes = frozen_bytes};
  for (const graph::Buffer& buffer : step.memory.buffers) memory.unshared_bytes += buffer.bytes;
  memory.peak_node = name_of_node(step.graph, step.memory.peak_node);
  memory.peak_value = largest_at_peak(step.memory);
  memory.peak_types = graph::bytes_by_type(step.graph, step.memory, step.memory.peak_node);
  memory.most_f32_bytes = graph::most_bytes_of(step.graph, step.memory, DType::F32);
  const std::vector<std::string> updated = runtime::updated_parameters(step.graph);
  for (size_t id = 0; id < step.graph.values.size(); ++id) {
    const graph::Value& value = step.graph.values[id];
    const int64_t bytes = graph::bound_bytes(step.graph, static_cast<ValueId>(id));
    if (value.kind == ValueKind::Input || value.kind == ValueKind::Const) memory.io_bytes += bytes;
    if (value.kind == ValueKind::State) memory.state_bytes += bytes;
    const bool is_copied =
        value.kind == ValueKind::Param && std::ranges::find(updated, value.name) != updated.end();
    if (is_copied) memory.parameter_bytes += bytes;
  }
  return memory;
}

TrainingWork work_of(const graph::Graph& step) {
  TrainingWork work;
  for (const graph::Node& node : step.nodes) {
    const double flops = graph::cost_of(step, node).flops;
    double& part = node.phase == graph::Phase::Forward    ? work.forward_flops
                   : node.phase == graph::Phase::Backward ? work.backward_flops
                                                          : work.update_flops;
    part += flops;
  }
  return work;
}

Result<TrainingPlan> compile_training(const BaseModel& base, const nn::UpdateScheme& scheme,
                                      const PlanOptions& options, int threads) {
  const auto values = [&base](const std::string& name) { return base.values(name); };
  VERGE_TRY(nn::TrainablePart part, nn::apply_scheme(base.graph, scheme, values, options.seed));
  if (part.trainable.empty()) {
    return make_error(Code::InvalidArgument, "{}: the scheme updates nothing; name a layer",
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
                   .seed = options.seed};
  runtime::TrainerOptions trainer;
  trainer.optimizer = options.optimizer;
  trainer.disabled_passes = options.disabled_passes;
  std::erase(trainer.disabled_passes, kRecompute);
  trainer.observe = options.observe;
  trainer.bf16 = options.bf16;
  trainer.plan.isa = options.isa;
  runtime::TrainingGraph training{part.graph, base.loss, part.trainable, part.slices, base.scales};
  if (base.kind == BaseKind::Levels) VERGE_RETURN_IF_ERROR(split(training));
  part.graph = training.graph;
  VERGE_TRY(plan.step, runtime::compile_step(std::move(training), trainer, threads));
  plan.memory = memory_of(plan.step, base.copied_bytes);
  VERGE_RETURN_IF_ERROR(shrink(plan, base, options));
  plan.work = work_of(plan.step.graph);
  VERGE_TRY(plan.evaluate, compile_evaluation(std::move(part.graph), plan.step));
  return plan;
}

Status write_training_plan(const std::string& path, const TrainingPlan& plan) {
  runtime::PlanFile file{.model = plan.settings.hash, .programs = {}};
  file.programs.emplace_back("step", plan.step);
  file.programs.emplace_back("evaluate", plan.evaluate);
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
  plan.memory = memory_of(plan.step, 0);
  plan.work = work_of(plan.step.graph);
  return plan;
}

}  // namespace verge::fit
