#pragma once
// ExitRun: what every way to train exit heads begins with: the model's file, the text as its
// tokens, the norm and the matrix that heads start as; and what it ends with, measures.

#include <verge/core/tensor.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/stages/adapt/exits/adapt_exits.hpp>

namespace verge::adapt {

struct ExitRun {
  format::ModelSource source;
  nn::DecoderConfig config;  // its exits are those that are wanted
  std::vector<int32_t> training;
  std::vector<int32_t> held_out;
  std::vector<float> norm;  // [d_model] before the model's last head
  Tensor output;            // f32 [vocab, d_model] of it
  std::string note;         // what a checkpoint depends on
};

/// Checks the options, and reads what the run needs. Fails as adapt_exits.
Result<ExitRun> prepare_run(const AdaptExitsOptions& options);

/// The model, for windows of tokens with logits at all positions.
Result<std::unique_ptr<model::LanguageModel>> load_for_windows(const std::string& path,
                                                               const AdaptExitsOptions& options,
                                                               ThreadPool& pool);

struct HeldOutQuality {
  std::vector<ExitQuality> exits = {};
  double loss = 0;  // of the model's own head
  int64_t positions = 0;
};

/// Of heads that the model has after `exits`.
Result<HeldOutQuality> measure_heads(model::LanguageModel& model, std::span<const int64_t> exits,
                                     const ExitRun& run, int64_t context);
/// Of a model without heads, whose last head is put after each exit.
Result<HeldOutQuality> measure_without_heads(model::LanguageModel& model, const ExitRun& run,
                                             int64_t context, ThreadPool& pool);

}  // namespace verge::adapt
