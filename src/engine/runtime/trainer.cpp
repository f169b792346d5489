#include <cmath>
#include <numbers>

#include <verge/engine/graph/passes/compute_bf16.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::runtime {

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
  VERGE_TRY(graph::JointGraph joint,
            graph::differentiate(std::move(training.graph), training.loss, training.trainable));
  VERGE_TRY(graph::Graph step,
            graph::add_updates(std::move(joint), training.trainable, options.optimizer));
  if (options.bf16) step = graph::compute_bf16(std::move(step));
  VERGE_TRY(graph::Optimized optimized,
            graph::optimize(std::move(step), {.disabled = options.disabled_passes, .observe = {}}));
  trainer->has_step_input_ = optimized.graph.find("step") != graph::kNone;
  VERGE_TRY(Plan plan, Plan::compile(std::move(optimized.graph), trainer->weights_,
                                     trainer->states_, pool, options.plan));
  trainer->plan_ = std::make_unique<Plan>(std::move(plan));
  return trainer;
}

void Trainer::step() {
  *plan_->input("lr").as<float>() = static_cast<float>(learning_rate(options_.schedule, steps_));
  ++steps_;
  if (has_step_input_) *plan_->input("step").as<int64_t>() = steps_;
  plan_->run(std::span<const int64_t>{});
}

int64_t Trainer::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, view] : parameters_) count += view.shape.count();
  return count;
}

Checkpoint Trainer::checkpoint(std::string note) const {
  Checkpoint checkpoint{static_cast<uint64_t>(steps_), std::move(note), parameters_};
  for (const auto& state : states_.all()) checkpoint.tensors.push_back(state);
  return checkpoint;
}

Status Trainer::save(const std::string& path, std::string note) const {
  return write_checkpoint(path, checkpoint(std::move(note)));
}

Status Trainer::load(const std::string& path, std::string note) {
  Checkpoint loaded = checkpoint(std::move(note));
  VERGE_RETURN_IF_ERROR(read_checkpoint(path, loaded));
  steps_ = static_cast<int64_t>(loaded.step);
  return {};
}

}  // namespace verge::runtime
