#pragma once
// ExitTrainer: one way to train exit heads: a Trainer, and what fills its inputs.

#include <verge/engine/runtime/trainer.hpp>
#include <verge/stages/adapt/exits/exit_run.hpp>

namespace verge::adapt {

class ExitTrainer {
 public:
  virtual ~ExitTrainer() = default;
  virtual runtime::Trainer& trainer() = 0;
  /// Writes the trainer's inputs for a pass, counted over the whole training.
  virtual Status fill(int64_t pass) = 0;
};

/// Heads alone, over the states of `model`, which has none. All must outlive it.
Result<std::unique_ptr<ExitTrainer>> make_tune_trainer(const AdaptExitsOptions& options,
                                                       const ExitRun& run,
                                                       model::LanguageModel& model,
                                                       ThreadPool& pool);

/// All weights and the heads. Unsupported, naming what it does not know, for blocks that are not
/// dense Llama's or Qwen's.
Result<std::unique_ptr<ExitTrainer>> make_joint_trainer(const AdaptExitsOptions& options,
                                                        const ExitRun& run, ThreadPool& pool);

/// What both begin a head's parameters with.
bool start_head(const std::string& name, const TensorView& view, const ExitRun& run);
runtime::TrainerOptions trainer_options(const AdaptExitsOptions& options);

}  // namespace verge::adapt
