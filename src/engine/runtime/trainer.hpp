#pragma once
// Trainer: a forward graph with a loss, compiled with its backward pass and optimizer into one
// Plan, and everything that changes from step to step. A killed run continues from a checkpoint
// with the same losses.
//
//   VERGE_TRY(auto trainer, Trainer::create({graph, loss, trainable}, initial, options, pool));
//   while (trainer->steps() < options.schedule.steps) {
//     fill(trainer->input("tokens"));
//     trainer->step();
//     float loss = *trainer->output("loss").as<float>();
//   }

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/runtime/checkpoint.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::runtime {

/// Linear warm-up, then a half cosine down to a share of the peak (Loshchilov & Hutter 2017).
struct Schedule {
  double peak = 1e-3;  // learning rate
  int64_t warmup = 0;  // steps
  int64_t steps = 1;   // in all
  double final_share = 0.1;
};

/// The learning rate of a step, counted from 0.
double learning_rate(const Schedule& schedule, int64_t step);

struct TrainerOptions {
  graph::OptimizerSpec optimizer;
  Schedule schedule;
  int64_t accumulate = 1;  // passes forward and backward that make one optimizer step
  bool bf16 = false;       // products in bf16, parameters and sums in f32
  std::vector<std::string> disabled_passes = {};
  /// Sees the graph before and after each pass; graph::PipelineOptions.
  std::function<void(std::string_view, const graph::Graph&, const graph::Graph&)> observe = {};
  PlanOptions plan;
};

struct TrainingGraph {
  graph::Graph graph;  // forward; outputs as the caller named them
  graph::ValueId loss;
  std::vector<graph::ValueId> trainable;
  graph::ChannelSlices slices = {};  // of those, only these channels
  graph::LevelScales scales = {};    // of integer parameters
};

/// A training step after all passes: what create() runs and plan files keep.
struct StepPrograms {
  Program pass;  // forward, backward and update, or what it adds to accumulators instead of it
  std::optional<Program> update = {};  // from accumulators, where several passes make a step

  const Program& updating() const { return update ? *update : pass; }
};

/// Fails as differentiate, add_updates, accumulate_gradients and make_program do.
Result<StepPrograms> compile_step(TrainingGraph training, const TrainerOptions& options,
                                  int threads);

/// The parameters that the program overwrites, by name.
std::vector<std::string> updated_parameters(const graph::Graph& step);

/// A parameter's values before training, where they lie, and what keeps them there.
struct InitialTensor {
  TensorView view = {};
  std::shared_ptr<const void> owner = {};
};
using InitialValues = std::function<Result<InitialTensor>(const std::string& name)>;

class Trainer {
 public:
  /// Fills a parameter with its initial values.
  using Initializer = std::function<void(const std::string& name, const TensorView& parameter)>;

  /// Fails as differentiate, add_updates and Plan::compile do.
  static Result<std::unique_ptr<Trainer>> create(TrainingGraph training,
                                                 const Initializer& initialize,
                                                 const TrainerOptions& options, ThreadPool& pool);

  /// The same for a step that is compiled already, for this pool's threads and these passes. What
  /// the step updates is copied, all else stays where `values` has it.
  static Result<std::unique_ptr<Trainer>> bind(StepPrograms step, const InitialValues& values,
                                               const TrainerOptions& options, ThreadPool& pool);

  const TensorView& input(std::string_view name) { return plan_->input(name); }
  const TensorView& output(std::string_view name) const { return plan_->output(name); }
  /// One forward and backward; every options.accumulate-th call also updates, with the schedule's
  /// learning rate and the mean of the gradients since the last update.
  void step();
  /// The last part of a step: the update from what has accumulated so far or, where one pass makes
  /// a step, all of it. For timing it apart from a pass, which is plan().run().
  void update();
  int64_t steps() const { return steps_; }
  /// Calls of step() that make one optimizer step.
  int64_t passes() const { return options_.accumulate; }
  const Schedule& schedule() const { return options_.schedule; }

  /// Parameters by name; shared with plans that are compiled over this store (evaluation).
  WeightStore& weights() { return weights_; }
  StateStore& states() { return states_; }
  /// All of them, or, of a bound step, those that it updates.
  const NamedTensors& parameters() const { return parameters_; }
  int64_t parameter_count() const;
  /// What clipping all gradients together adds to the arena, because all of them must be there at
  /// once; 0 where it is not asked for.
  int64_t clip_price_bytes() const { return clip_price_bytes_; }
  const Plan& plan() const { return *plan_; }
  Plan& plan() { return *plan_; }
  /// Of all that a step runs, as those of a Plan.
  void start_profile();
  std::vector<NodeProfile> profile() const;

  /// Fails with Malformed, naming the first tensor that is not finite, unless the loss, all
  /// parameters and the optimizer's states are numbers. `checkpoint`: where the last good state is;
  /// empty: nowhere.
  Status check_finite(float loss, const std::string& checkpoint) const;

  /// Parameters, moments and step; `note` names what the run depends on. A state that is not finite
  /// is refused, so that the file stays the last good one.
  Status save(const std::string& path, std::string note) const;
  Status load(const std::string& path, std::string note);

 private:
  std::string first_not_finite() const;
  explicit Trainer(const TrainerOptions& options) : options_(options) {}
  Result<std::unique_ptr<Plan>> compile(graph::Graph graph, ThreadPool& pool);
  Status measure_clip_price(TrainingGraph training, const ThreadPool& pool);
  Plan& updating_plan() { return update_ != nullptr ? *update_ : *plan_; }
  void clear_accumulators();
  Checkpoint checkpoint(std::string note) const;

  TrainerOptions options_;
  WeightStore weights_;
  StateStore states_;
  NamedTensors parameters_;
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<Plan> update_;  // where gradients accumulate; else plan_ updates
  bool has_step_input_ = false;
  int64_t steps_ = 0;
  int64_t clip_price_bytes_ = 0;
  int64_t accumulated_ = 0;  // passes since the last update
};

}  // namespace verge::runtime
