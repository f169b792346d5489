#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numbers>

#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::runtime {
namespace {

Result<graph::Graph> optimize(graph::Graph graph, const TrainerOptions& options) {
  graph::PipelineOptions pipeline{.disabled = options.disabled_passes};
  pipeline.bf16 = options.bf16;
  pipeline.observe = options.observe;
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph), pipeline));
  return std::move(optimized.graph);
}

}  // namespace

Result<Program> compile_step(TrainingGraph training, const TrainerOptions& options, int threads) {
  training.graph = graph::fuse_cross_entropy(std::move(training.graph));
  VERGE_TRY(graph::JointGraph joint,
            graph::differentiate(std::move(training.graph), training.loss, training.trainable,
                                 std::move(training.slices)));
  joint.scales = std::move(training.scales);
  VERGE_TRY(graph::Graph updating,
            graph::add_updates(std::move(joint), training.trainable, options.optimizer));
  VERGE_TRY(graph::Graph optimized, optimize(std::move(updating), options));
  return make_program(std::move(optimized), options.plan.isa, threads);
}

std::vector<std::string> updated_parameters(const graph::Graph& step) {
  std::vector<std::string> names;
  for (size_t id = 0; id < step.values.size(); ++id) {
    if (step.values[id].alias_of == graph::kNone) continue;
    const graph::Value& root = step.value(step.root(static_cast<graph::ValueId>(id)));
    if (root.kind == graph::ValueKind::Param) names.push_back(root.name);
  }
  return names;
}

double learning_rate(const Schedule& schedule, int64_t step) {
  if (step < schedule.warmup) {
    return schedule.peak * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup);
  }
  const double length = static_cast<double>(std::max<int64_t>(1, schedule.steps - schedule.warmup));
  const double done = std::min(1.0, static_cast<double>(step - schedule.warmup) / length);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * done));
  return schedule.peak * (schedule.final_share + (1 - schedule.final_share) * cosine);
}

Result<std::unique_ptr<Trainer>> Trainer::create(TrainingGraph training,
                                                 const Initializer& initialize,
                                                 const TrainerOptions& options, ThreadPool& pool) {
  auto trainer = std::unique_ptr<Trainer>(new Trainer(options));
  for (const graph::Value& value : training.graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    Tensor parameter(value.type.dtype, training.graph.bound_shape(value.type));
    initialize(value.name, parameter.view());
    trainer->parameters_.emplace_back(value.name, parameter.view());
    trainer->weights_.add(value.name, std::move(parameter));
  }
  // Before differentiation: its gradient is then the fused one. Ids stay as they are.
  training.graph = graph::fuse_cross_entropy(std::move(training.graph));
  VERGE_TRY(graph::JointGraph joint, graph::differentiate(training.graph, training.loss,
                                                          training.trainable, training.slices));
  joint.scales = training.scales;
  VERGE_TRY(graph::Graph updating, trainer->updating_graph(joint, training, options.optimizer));
  trainer->has_step_input_ = updating.find("step") != graph::kNone;
  VERGE_TRY(trainer->plan_, trainer->compile(std::move(updating), pool));
  if (options.optimizer.global_norm > 0) {
    VERGE_RETURN_IF_ERROR(trainer->measure_clip_price(joint, training, pool));
  }
  if (options.accumulate <= 1) return trainer;
  trainer->update_ = std::move(trainer->plan_);
  VERGE_TRY(graph::Graph pass,
            graph::accumulate_gradients(std::move(joint), training.trainable, options.accumulate));
  VERGE_TRY(trainer->plan_, trainer->compile(std::move(pass), pool));
  return trainer;
}

// The graph that updates: the whole step, or what follows its last pass.
Result<graph::Graph> Trainer::updating_graph(graph::JointGraph joint, const TrainingGraph& training,
                                             const graph::OptimizerSpec& optimizer) const {
  if (options_.accumulate > 1) {
    return graph::updates_from_accumulators(training.graph, training.trainable, optimizer,
                                            training.slices);
  }
  return graph::add_updates(std::move(joint), training.trainable, optimizer);
}

Status Trainer::measure_clip_price(graph::JointGraph joint, const TrainingGraph& training,
                                   const ThreadPool& pool) {
  graph::OptimizerSpec unclipped = options_.optimizer;
  unclipped.global_norm = 0;
  VERGE_TRY(graph::Graph updating, updating_graph(std::move(joint), training, unclipped));
  VERGE_TRY(graph::Graph optimized, optimize(std::move(updating), options_));
  VERGE_TRY(const Program program,
            make_program(std::move(optimized), options_.plan.isa, pool.size()));
  clip_price_bytes_ =
      std::max<int64_t>(0, plan_->memory().arena_bytes - program.memory.arena_bytes);
  return {};
}

Result<std::unique_ptr<Trainer>> Trainer::bind(Program step, const InitialValues& values,
                                               const TrainerOptions& options, ThreadPool& pool) {
  VERGE_CHECK(options.accumulate <= 1, options.accumulate);
  auto trainer = std::unique_ptr<Trainer>(new Trainer(options));
  const std::vector<std::string> updated = updated_parameters(step.graph);
  for (const graph::Value& value : step.graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    VERGE_TRY(InitialTensor initial, values(value.name));
    if (std::ranges::find(updated, value.name) == updated.end()) {
      trainer->weights_.add(value.name, initial.view, std::move(initial.owner));
      continue;
    }
    Tensor copy(value.type.dtype, step.graph.bound_shape(value.type));
    VERGE_CHECK(copy.view().bytes() == initial.view.bytes(), value.name, initial.view.bytes());
    std::memcpy(copy.view().data, initial.view.data, static_cast<size_t>(initial.view.bytes()));
    trainer->parameters_.emplace_back(value.name, copy.view());
    trainer->weights_.add(value.name, std::move(copy));
  }
  trainer->has_step_input_ = step.graph.find("step") != graph::kNone;
  VERGE_TRY(Plan plan, Plan::bind(std::move(step), trainer->weights_, trainer->states_, pool,
                                  options.plan.canaries));
  trainer->plan_ = std::make_unique<Plan>(std::move(plan));
  return trainer;
}

Result<std::unique_ptr<Plan>> Trainer::compile(graph::Graph graph, ThreadPool& pool) {
  VERGE_TRY(graph::Graph optimized, optimize(std::move(graph), options_));
  VERGE_TRY(Plan plan, Plan::compile(std::move(optimized), weights_, states_, pool, options_.plan));
  return std::make_unique<Plan>(std::move(plan));
}

void Trainer::clear_accumulators() {
  for (const auto& [name, view] : states_.all()) {
    if (name.ends_with(".g")) std::memset(view.data, 0, static_cast<size_t>(view.bytes()));
  }
}

void Trainer::step() {
  if (update_ != nullptr) {
    plan_->run(std::span<const int64_t>{});
    if (++accumulated_ < options_.accumulate) return;
    accumulated_ = 0;
  }
  Plan& updating = update_ != nullptr ? *update_ : *plan_;
  *updating.input("lr").as<float>() = static_cast<float>(learning_rate(options_.schedule, steps_));
  ++steps_;
  if (has_step_input_) *updating.input("step").as<int64_t>() = steps_;
  updating.run(std::span<const int64_t>{});
  if (update_ != nullptr) clear_accumulators();
}

int64_t Trainer::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, view] : parameters_) count += view.shape.count();
  return count;
}

Checkpoint Trainer::checkpoint(std::string note) const {
  Checkpoint checkpoint{static_cast<uint64_t>(steps_), std::move(note), parameters_,
                        graph::describe(options_.optimizer)};
  if (options_.accumulate > 1) {
    checkpoint.optimizer += fmt::format(", {} passes a step", options_.accumulate);
  }
  for (const auto& state : states_.all()) checkpoint.tensors.push_back(state);
  return checkpoint;
}

std::string Trainer::first_not_finite() const {
  const auto first_in = [](const auto& tensors) -> std::string {
    for (const auto& [name, view] : tensors) {
      if (view.dtype != DType::F32) continue;
      const auto is_finite = [](float x) { return std::isfinite(x); };
      if (!std::ranges::all_of(view.template span<float>(), is_finite)) return name;
    }
    return {};
  };
  const std::string parameter = first_in(parameters_);
  return parameter.empty() ? first_in(states_.all()) : parameter;
}

Status Trainer::check_finite(float loss, const std::string& checkpoint) const {
  const std::string tensor = first_not_finite();
  if (std::isfinite(loss) && tensor.empty()) return {};
  std::string found = std::isfinite(loss) ? "" : fmt::format("the loss is {}", loss);
  if (!tensor.empty()) {
    found += fmt::format("{}{} is no longer finite", found.empty() ? "" : " and ", tensor);
  }
  const bool is_saved = !checkpoint.empty() && std::filesystem::exists(checkpoint);
  return make_error(Code::Malformed, "step {}: {}; use a smaller --lr{}", steps_, found,
                    is_saved ? fmt::format(", {} is the last good state", checkpoint) : "");
}

Status Trainer::save(const std::string& path, std::string note) const {
  VERGE_RETURN_IF_ERROR(check_finite(0, path));
  return write_checkpoint(path, checkpoint(std::move(note)));
}

Status Trainer::load(const std::string& path, std::string note) {
  Checkpoint loaded = checkpoint(std::move(note));
  VERGE_RETURN_IF_ERROR(read_checkpoint(path, loaded));
  steps_ = static_cast<int64_t>(loaded.step);
  accumulated_ = 0;  // a step that was half accumulated begins again
  if (update_ != nullptr) clear_accumulators();
  return {};
}

}  // namespace verge::runtime
