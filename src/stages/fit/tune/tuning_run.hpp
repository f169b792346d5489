#pragma once
// TuningRun: a training plan bound to a base model's weights and to data: what `tune` and the
// search of schemes are made of.

#include <memory>
#include <string>

#include <verge/stages/fit/tune/task_data.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

struct HeldOut {
  double loss = 0;      // nats, of an image or a token
  double accuracy = 0;  // of images
};

class TuningRun {
 public:
  /// `has_new_head`: the head begins with small random weights, for classes it never saw. Low-rank
  /// factors begin as Hu et al. 2021 say: A random, B zero. All must outlive the run.
  static Result<std::unique_ptr<TuningRun>> create(const BaseModel& base, const TrainingPlan& plan,
                                                   TaskData& data,
                                                   const runtime::Schedule& schedule,
                                                   bool has_new_head, uint64_t seed,
                                                   ThreadPool& pool);

  runtime::Trainer& trainer() { return *trainer_; }
  void fill(int64_t pass);
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
  Result<runtime::InitialTensor> initial(const std::string& name) const;
  Result<runtime::InitialTensor> initial_channels(const std::string& name, const Shape& shape,
                                                  const graph::ChannelSlice& slice) const;

  const BaseModel& base_;
  const TrainingPlan& plan_;
  TaskData& data_;
  ThreadPool& pool_;
  bool has_new_head_ = false;
  uint64_t seed_ = 1;
  std::unique_ptr<runtime::Trainer> trainer_;
};

}  // namespace verge::fit
