#pragma once
// How well a model predicts a text, and how far its predictions are from a reference model's.
//
//   VERGE_TRY(const auto tokens, read_text(*model, "wiki.txt"));
//   VERGE_TRY(const TextQuality quality, measure_text(*model, reference.get(), tokens, pool, {}));

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/quality/estimate.hpp>

namespace verge::quality {

/// Rows of logits that a model must give at once to be measured quickly: LoadOptions::max_outputs.
inline constexpr int64_t kRows = 64;

struct TextOptions {
  int64_t chunk = 512;     // tokens read without what came before; its second half is scored
  int64_t max_chunks = 0;  // 0: all of the text
  std::function<void(int64_t done, int64_t all)> on_chunk = {};
  const std::atomic<bool>* cancel = nullptr;
};

/// Against the unquantized model: `p` is the reference's distribution, `q` the model's own.
struct Divergence {
  Estimate reference_nll;
  Estimate kl;           // KL(p || q) in nats
  Estimate kl_quantile;  // 99.9 % of positions are below
  Estimate top1;         // share of positions where both prefer the same token
};

struct TextQuality {
  Estimate nll;         // -log q of the text's own token, in nats
  Estimate perplexity;  // exp(nll); its error by the delta method
  std::optional<Divergence> divergence;
  int64_t chunks = 0;
};

/// The tokens of a text file. Fails as read_whole_file.
Result<std::vector<int32_t>> read_text(const model::LanguageModel& model, const std::string& path);

/// Reads whole chunks only; where the vocabulary begins texts with a token, that takes the place of
/// each chunk's first, as llama.cpp's perplexity does. Fails with InvalidArgument for a text
/// shorter than a chunk or a chunk beyond the context, Conflict when the reference has another
/// vocabulary (naming the first token that differs), Cancelled.
Result<TextQuality> measure_text(model::LanguageModel& model, model::LanguageModel* reference,
                                 std::span<const int32_t> tokens, ThreadPool& pool,
                                 const TextOptions& options);

}  // namespace verge::quality
