#pragma once
// adapt_exits: gives a language model early-exit heads, from which an answer may be taken before
// its last layer. A head is a norm and a matrix to the vocabulary; both start as the model's last.
//
//   VERGE_TRY(const AdaptExitsResult result,
//             adapt_exits({.model = "base.gguf", .layers = {8, 16}, .data = {"text"},
//                          .output = "exits.gguf"}, pool, clock));

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/quality/calibration.hpp>
#include <verge/engine/runtime/training_loop.hpp>

namespace verge::adapt {

enum class ExitMode {
  Tune,   // only the heads learn; every bit of the model stays
  Joint,  // all weights learn, with the weighted sum of all losses (EE-LLM, arXiv 2312.04916)
};

struct AdaptExitsOptions {
  std::string model = {};              // a whole model's file
  std::vector<int64_t> layers = {};    // before each head, in order
  std::vector<std::string> data = {};  // text files; the end is held out
  ExitMode mode = ExitMode::Tune;
  bool is_untied = false;  // heads have matrices of their own; else a norm each
  double distil = 0;       // Tune: weight of the divergence from the model's own head
  std::vector<double> exit_weights = {};  // Joint; empty: 0.1 for the first, 0.2 for the second...
  int64_t batch = 8;                      // windows of a step
  int64_t context = 128;                  // tokens of a window
  double held_out = 0.05;                 // share of the text
  runtime::Schedule schedule{.peak = 1e-3, .warmup = 20, .steps = 300, .final_share = 0.1};
  graph::OptimizerSpec optimizer{.beta2 = 0.99};
  bool bf16 = false;            // products of training in bf16
  uint64_t seed = 1;            // of batches
  std::string checkpoint = {};  // path; empty: none. Continued when it exists
  int64_t checkpoint_every = 100;
  std::string output = {};         // GGUF file
  std::optional<DType> type = {};  // of trained matrices; nothing: the model's own
  std::string command = {};        // recorded in the lineage
};

/// Of an exit on held-out text, beside the model's last head.
struct ExitQuality {
  int64_t after = 0;     // layers
  double loss = 0;       // nats per token
  double agreement = 0;  // share of positions whose likeliest token is the model's own
  quality::CalibrationFit calibration = {};
};

struct AdaptExitsResult {
  std::vector<ExitQuality> before = {};  // heads that are the model's last, put there as it is
  std::vector<ExitQuality> after = {};   // of the file that was written; empty where cancelled
  double loss_before = 0;                // of the model's last head, on the same text
  double loss_after = 0;
  int64_t positions = 0;   // that were measured
  int64_t parameters = 0;  // that learn
  int64_t steps = 0;
  double seconds = 0;  // of training
  std::vector<std::string> reference_nodes = {};
  bool finished = false;  // false: cancelled, the checkpoint holds the rest
};

/// With a checkpoint, `cancel` saves it and returns; a later call goes on with the same losses.
/// Fails with InvalidArgument for exits out of order or beyond the model, weights or options that
/// do not fit, a text too short; Conflict for a model that has heads; Unsupported, for Joint, for a
/// model with other blocks than training knows; else as loading and writing do.
Result<AdaptExitsResult> adapt_exits(
    const AdaptExitsOptions& options, ThreadPool& pool, const Clock& clock,
    const std::function<void(const runtime::LoopProgress&)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::adapt
