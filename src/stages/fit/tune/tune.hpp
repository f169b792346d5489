#pragma once
// tune: fine-tunes a model by a training plan, within the memory that the plan names. Stopped, it
// saves; run again, it goes on with the same losses.

#include <atomic>
#include <functional>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/delta.hpp>
#include <verge/engine/runtime/training_loop.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {

struct TuneOptions {
  std::string plan = {};   // file of `verge compile --train`
  std::string model = {};  // empty: where the plan was compiled from
  DataOptions data = {};
  double epochs = 1;
  int64_t steps = 0;         // 0: of the epochs
  double learning_rate = 0;  // peak of a warm-up over a tenth of the steps and a half cosine; 0:
                             // 1e-3, of sgd 1e-2
  bool has_new_head = false;
  uint64_t seed = 1;
  std::string output = {};      // the tuned model, or the adapter of a language model's factors
  std::string delta = {};       // of the model's file: model/model_delta.hpp
  std::string checkpoint = {};  // empty: beside the output
  int64_t checkpoint_every = 500;
  std::string command = {};         // recorded in the lineage
  runtime::Governor governor = {};  // null: none
  std::function<runtime::Telemetry()> telemetry = {};
};

struct TuneProgress : runtime::LoopProgress {
  double samples_per_s = 0;
  const char* unit = "";
};

struct TuneResult {
  HeldOut before, after;
  double first_loss = 0, last_loss = 0;  // means of the first and the last tenth of the steps
  int64_t steps = 0;
  int64_t parameters = 0;  // updated
  double seconds = 0, samples_per_s = 0;
  double step_ms = 0;  // mean
  std::string unit = {};
  bool has_accuracy = false;
  bool is_squared_error = false;  // what the losses are
  TrainingMemory memory = {};     // planned
  int64_t evaluation_bytes = 0;   // arena of the measurements before and after
  std::vector<std::string> reference_nodes = {};
  runtime::DeltaSize delta = {};
  bool finished = false;  // false: cancelled, the checkpoint holds the rest
};

/// Fails as open_base_model, open_task_data, read_training_plan and TunedDelta::open do, with
/// Conflict where the model is not the plan's, and with Malformed, naming the first tensor, where a
/// loss is no number: the checkpoint is then the last good state.
Result<TuneResult> tune(const TuneOptions& options, ThreadPool& pool, const Clock& clock,
                        const std::function<void(const TuneProgress&)>& on_progress = {},
                        const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::fit
