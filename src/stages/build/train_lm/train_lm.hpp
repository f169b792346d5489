#pragma once
// train_lm: pre-trains a small Llama-type language model (Touvron et al. 2023) with early-exit
// heads from text.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/nn/config.hpp>
#include <verge/engine/runtime/profile.hpp>
#include <verge/engine/runtime/training_loop.hpp>
#include <verge/stages/build/train_lm/corpus.hpp>

namespace verge::build {

struct LmShape {
  int64_t d_model = 256, layers = 6, heads = 8, kv_heads = 4, ffn_dim = 768, context = 256;
  std::vector<int64_t> exit_layers;
  std::vector<double> exit_weights = {};  // of their losses, beside 1 for the last; empty: 0.3
};

struct TrainLmOptions {
  CorpusOptions corpus;
  LmShape shape;
  int64_t batch = 8;
  runtime::Schedule schedule{.peak = 2e-3, .warmup = 50, .steps = 1000, .final_share = 0.1};
  graph::OptimizerSpec optimizer{.beta2 = 0.95, .weight_decay = 0.1};
  int64_t accumulate = 1;  // batches whose mean gradient makes one step
  bool bf16 = true;
  uint64_t seed = 1;
  int64_t evaluate_every = 200;    // steps
  std::string checkpoint;          // path; empty: none. Continued when it exists
  int64_t checkpoint_every = 200;  // steps
  std::string output;              // GGUF file
  DType type = DType::Q8_0;        // of its matrices
  std::string command;             // recorded in the lineage
  bool profile = false;            // measure the time by operator
};

struct TrainingProgress : runtime::LoopProgress {  // loss: of this step, nats per token
  double held_out_loss = 0;                        // of the last evaluation; 0 before the first
  double tokens_per_s = 0;                         // since this call began, evaluations included
};

struct TrainLmResult {
  int64_t parameters = 0;
  int64_t steps = 0;
  double held_out_loss = 0;  // nats per token
  double bits_per_byte = 0;  // of held-out text
  double seconds = 0;
  double tokens_per_s = 0;
  double step_ms = 0;  // median over all steps but the first two, which warm up
  int64_t arena_bytes = 0;
  std::vector<std::string> reference_nodes;  // operators without a fast kernel
  int64_t clip_price_bytes = 0;              // see runtime::Trainer
  std::vector<TrainingProgress> history;     // one entry a step
  std::vector<runtime::OperatorTime> profile;
  bool finished = false;  // false: cancelled, the checkpoint holds the rest
};

/// Trains and writes the model. With a checkpoint, `cancel` saves it and returns; a later call goes
/// on with the same losses. Fails with InvalidArgument for shapes that do not fit, Malformed when
/// the loss is no longer a number (the last checkpoint stays), or as files do.
Result<TrainLmResult> train_lm(const TrainLmOptions& options, ThreadPool& pool, const Clock& clock,
                               const std::function<void(const TrainingProgress&)>& on_progress = {},
                               const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::build
