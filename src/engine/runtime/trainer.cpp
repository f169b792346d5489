#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
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

// A step before the passes: all of it, or what each pass adds to accumulators and what updates from
// them.
struct StepGraphs {
  graph::Graph pass;
  std::optional<graph::Graph> update;

  const graph::Graph& updating() const { return update ? *update : pass; }
};

Result<StepGraphs> step_graphs(TrainingGraph training, const TrainerOptions& options) {
  // Before differentiation: its gradient is then the fused one. Ids stay as they are.
  training.graph = graph::fuse_cross_entropy(std::move(training.graph));
  VERGE_TRY(graph::JointGraph joint, graph::differentiate(training.graph, training.loss,
                                                          training.trainable, training.slices));
  joint.scales = std::move(training.scales);
  StepGraphs graphs;
  if (options.accumulate <= 1) {
    VERGE_TRY(graphs.pass,
              graph::add_updates(std::move(joint), training.trainable, options.optimizer));
    return graphs;
  }
  VERGE_TRY(graphs.update, graph::updates_from_accumulators(training.graph, training.trainable,
                                                            options.optimizer, training.slices));
  VERGE_TRY(graphs.pass,
            graph::accumulate_gradients(std::move(joint), training.trainable, options.accumulate));
  return graphs;
}

}  // namespace

Result<StepPrograms> compile_step(TrainingGraph training, const TrainerOptions& options,
                                  int threads) {
  VERGE_TRY(StepGraphs graphs, step_graphs(std::move(training), options));
  const auto compile = [&](graph::Graph graph) -> Result<Program> {
    VERGE_TRY(graph::Graph optimized, optimize(std::move(graph), options));
    return make_program(std::move(optimized), options.plan.isa, threads, options.plan.chooser);
  };
  StepPrograms programs;
  VERGE_TRY(programs.pass, compile(std::move(graphs.pass)));
  if (graphs.update) {
    VERGE_TRY(programs.update, compile(std::move(*graphs.update)));
  }
  return programs;
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
  VERGE_TRY(StepGraphs graphs, step_graphs(training, options));
  trainer->has_step_input_ = graphs.updating().find("step") != graph::kNone;
  if (graphs.update) {
    VERGE_TRY(trainer->update_, trainer->compile(std::move(*graphs.update), pool));
  }
  VERGE_TRY(trainer->plan_, trainer->compile(std::move(graphs.pass), pool));
  if (options.optimizer.global_norm > 0) {
    VERGE_RETURN_IF_ERROR(trainer->measure_clip_price(std::move(training), pool));
  }
  return trainer;
}

Status Trainer::measure_clip_price(TrainingGraph training, const ThreadPool& pool) {
  TrainerOptions unclipped = options_;
  unclipped.optimizer.global_norm = 0;
  VERGE_TRY(const StepGraphs graphs, step_graphs(std::move(training), unclipped));
  VERGE_TRY(graph::Graph optimized, optimize(graphs.updating(), options_));
  VERGE_TRY(const Program program, make_program(std::move(optimized), options_.plan.isa,
                                                pool.size(), options_.plan.chooser));
  clip_price_bytes_ =
      std::max<int64_t>(0, updating_plan().memory().arena_bytes - program.memory.arena_bytes);
  return {};
}

Result<std::unique_ptr<Trainer>> Trainer::bind(StepPrograms step, const InitialValues& values,
                                               const TrainerOptions& options, ThreadPool& pool) {
  VERGE_CHECK(step.update.has_value() == (options.accumulate > 1), options.accumulate);
  auto trainer = std::unique_ptr<Trainer>(new Trainer(options));
  const graph::Graph& updating = step.updating().graph;
  const std::vector<std::string> updated = updated_parameters(updating);
  for (const graph::Value& value : step.pass.graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    VERGE_TRY(InitialTensor initial, values(value.name));
    if (std::ranges::find(updated, value.name) == updated.end()) {
      trainer->weights_.add(value.name, initial.view, std::move(initial.owner));
      continue;
    }
    Tensor copy(value.type.dtype, step.pass.graph.bound_shape(value.type));
    VERGE_CHECK(copy.view().bytes() == initial.view.bytes(), value.name, initial.view.bytes());
    std::memcpy(copy.view().data, initial.view.data, static_cast<size_t>(initial.view.bytes()));
    trainer->parameters_.emplace_back(value.name, copy.view());
    trainer->weights_.add(value.name, std::move(copy));
  }
  trainer->has_step_input_ = updating.find("step") != graph::kNone;
  const auto bind_plan = [&](Program program) -> Result<std::unique_ptr<Plan>> {
    VERGE_TRY(Plan plan, Plan::bind(std::move(program), trainer->weights_, trainer->states_, pool,
                                    options.plan.canaries));
    return std::make_unique<Plan>(std::move(plan));
  };
  VERGE_TRY(trainer->plan_, bind_plan(std::move(step.pass)));
  if (step.update) {
    VERGE_TRY(trainer->update_, bind_plan(std::move(*step.update)));
  }
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
  }
  update();
}

void Trainer::update() {
  accumulated_ = 0;
  Plan& updating = updating_plan();
  *updating.input("lr").as<float>() = static_cast<float>(learning_rate(options_.schedule, steps_));
  ++steps_;
  if (has_step_input_) *updating.input("step").as<int64_t>() = steps_;
  updating.run(std::span<const int64_t>{});
  if (update_ != nullptr) clear_accumulators();
}

void Trainer::start_profile() {
  plan_->start_profile();
  if (update_ != nullptr) update_->start_profile();
}

std::vector<NodeProfile> Trainer::profile() const {
  std::vector<NodeProfile> nodes = plan_->profile();
  if (update_ != nullptr) std::ranges::move(update_->profile(), std::back_inserter(nodes));
  return nodes;
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
