#pragma once
// TuningRun: a training plan bound to a base model's weights and to data: what `tune` and the
// search of schemes are made of.

#include <memory>
#include <optional>
#include <string>

#include <verge/stages/fit/tune/task_data.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

struct HeldOut {
  double loss = 0;      // nats, of a label or a token; or the squared error of an element
  double accuracy = 0;  // of labels or next tokens, where TuningRun::has_accuracy
};

/// The weight that a low-rank factor stands beside (graph/low_rank.hpp), of a factor's name.
std::optional<std::string> weight_of_factor(const std::string& parameter);

/// Whether a plan is of this base's weights, inputs and outputs; else Conflict.
Status expect_plan_of(const BaseModel& base, const TrainingPlan& plan);

struct InitialWeights {
  bool has_new_head = false;  // small random weights, for classes that it never saw
  uint64_t seed = 1;
};

/// What a parameter of a plan's step begins with: the base's weight, the channels of it that the
/// step updates, or a low-rank factor (A random, B zero: Hu et al. 2021). Fails with Conflict where
/// the plan is of another model.
Result<runtime::InitialTensor> initial_weight(const BaseModel& base, const graph::Graph& step,
                                              const std::string& name, const InitialWeights& how);

class TuningRun {
 public:
  /// Parameters begin as initial_weight() says. All must outlive the run.
  static Result<std::unique_ptr<TuningRun>> create(const BaseModel& base, const TrainingPlan& plan,
                                                   TaskData& data,
                                                   const runtime::Schedule& schedule,
                                                   bool has_new_head, uint64_t seed,
                                                   ThreadPool& pool);

  runtime::Trainer& trainer() { return *trainer_; }
  void fill(int64_t pass);
  /// Whether the plan evaluates logits: not where the loss is a squared error.
  bool has_accuracy() const;
  /// Over all held-out batches, with the weights as they are now. Fails as binding a plan does.
  Result<HeldOut> held_out();
  /// The weight of this name as it is now, in its own type.
  Tensor stored(const std::string& name) const;
  /// The f32 weight of this name as it is now: the base's, or what was learned, with factors
  /// merged.
  Result<std::vector<float>> tuned(const std::string& name);

 private:
  TuningRun(const BaseModel& base, const TrainingPlan& plan, TaskData& data, ThreadPool& pool)
      : base_(base), plan_(plan), data_(data), pool_(pool) {}

  const BaseModel& base_;
  const TrainingPlan& plan_;
  TaskData& data_;
  ThreadPool& pool_;
  std::unique_ptr<runtime::Trainer> trainer_;
};

}  // namespace verge::fit
