#pragma once
// TrainingPlan: a base model and a scheme, compiled: one program that is forward, backward and
// update, one that evaluates, and what they will take. A step of several passes has its update in a
// program of its own. A .vplan file of it is all that a device
// needs beside the model.
//
//   VERGE_TRY(TrainingPlan plan, compile_training(base, scheme, options, threads));
//   plan.memory.total();

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <verge/engine/runtime/plan_file.hpp>
#include <verge/engine/runtime/trainer.hpp>
#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::fit {

struct PlanOptions {
  BaseShape shape = {};
  graph::OptimizerSpec optimizer = {.weight_decay = 0.01};
  // Also "recompute", "pack_weights" (of what is frozen) and "time_kernels".
  std::vector<std::string> disabled_passes = {};
  int64_t memory_bytes = 0;  // budget of TrainingMemory::total(); 0: none
  int64_t accumulate = 1;    // passes over shape.batch samples whose mean gradient makes a step
  uint64_t seed = 1;         // of random channels
  bool bf16 = false;         // matrix products of the step in bf16, parameters and sums in f32
  kernels::Isa isa = kernels::best_isa();
  /// Null: convolutions run by a rule, the same on every machine.
  runtime::KernelChooser* chooser = nullptr;
  std::function<void(std::string_view, const graph::Graph&, const graph::Graph&)> observe = {};
};

/// What a step takes beside the model as it lies in its file. The planner's own numbers.
struct TrainingMemory {
  int64_t arena_bytes = 0;
  int64_t lower_bound_bytes = 0;  // of any arena in this order
  int64_t unshared_bytes = 0;     // of an arena where no two values share memory
  int64_t io_bytes = 0;           // inputs and constants
  int64_t state_bytes = 0;        // of the optimizer
  int64_t parameter_bytes = 0;    // private copies of what is updated
  int64_t packed_bytes = 0;       // frozen weights in the layouts of their kernels
  int64_t frozen_bytes = 0;       // f32 copies of weights that the file has in another type
  std::string peak_node = {};
  std::string peak_value = {};                     // the largest tensor alive there
  std::map<std::string, int64_t> peak_types = {};  // bytes alive there, by element type
  int64_t most_f32_bytes = 0;                      // of the arena, at once, wherever
  int64_t total() const {
    return arena_bytes + io_bytes + state_bytes + parameter_bytes + packed_bytes + frozen_bytes;
  }
};

TrainingMemory memory_of(const runtime::Program& step,
                         const std::optional<runtime::Program>& update, int64_t frozen_bytes);

struct TrainingWork {
  double forward_flops = 0, backward_flops = 0, update_flops = 0;
  double total() const { return forward_flops + backward_flops + update_flops; }
};

/// What a plan file's settings say.
struct PlanSettings {
  std::string model = {};  // path
  std::string hash = {};   // of its weights
  BaseShape shape = {};
  graph::OptimizerSpec optimizer = {};
  nn::UpdateScheme scheme = {};
  std::vector<std::string> low_rank = {};  // weights with factors beside them
  int64_t parameters = 0;                  // that are updated
  int64_t accumulate = 1;                  // passes that make a step
  uint64_t seed = 1;
};
std::string print_settings(const PlanSettings& settings);
Result<PlanSettings> parse_settings(std::string_view text);

struct TrainingPlan {
  runtime::Program step, evaluate;
  std::optional<runtime::Program> update = {};  // where `step` is a pass of several
  PlanSettings settings = {};
  TrainingMemory memory = {};
  TrainingWork work = {};
  int64_t recomputed = 0;  // values that are computed twice, to meet the budget

  /// The program that overwrites parameters.
  const runtime::Program& updating() const { return update ? *update : step; }
  runtime::StepPrograms programs() const { return {step, update}; }
};

/// What of a step no fast kernel runs, as runtime::reference_nodes, of its passes and its update.
std::vector<std::string> reference_nodes(const TrainingPlan& plan);

/// Where the budget asks for it, values are computed twice (graph/recompute.hpp).
/// Fails as apply_scheme and runtime::compile_step do, and with OutOfMemory where the budget cannot
/// be met, naming the smallest that can and the tensor at the peak.
Result<TrainingPlan> compile_training(const BaseModel& base, const nn::UpdateScheme& scheme,
                                      const PlanOptions& options, int threads);

Status write_training_plan(const std::string& path, const TrainingPlan& plan);
/// The plan's memory is that without frozen_bytes, which the model's file decides.
/// Fails as runtime::read_plan_file, and with InvalidArgument for the plan of an inference.
Result<TrainingPlan> read_training_plan(const std::string& path);

}  // namespace verge::fit
