#include <algorithm>

#include <verge/engine/runtime/sequence.hpp>
#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/scheduler/prompt_scores.hpp>

namespace verge::serve {

Result<std::vector<TokenLogprobs>> score_prompt(runtime::Decoder& decoder,
                                                std::span<const int32_t> tokens, int top,
                                                int32_t adapter, const std::atomic<bool>* cancel) {
  std::vector<TokenLogprobs> scores;
  runtime::Sequence sequence(decoder);
  VERGE_RETURN_IF_ERROR(sequence.reserve(static_cast<int64_t>(tokens.size())));
  const int64_t most = std::min(decoder.max_tokens, decoder.max_outputs);
  // The last token predicts nothing that is asked for.
  while (sequence.length() + 1 < std::ssize(tokens)) {
    const int64_t begin = sequence.length();
    const int64_t chunk = std::min(std::ssize(tokens) - 1 - begin, most);
    const runtime::StepItem item{
        &sequence, tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(chunk)), chunk,
        adapter};
    VERGE_RETURN_IF_ERROR(runtime::run_step(decoder, {&item, 1}, cancel));
    for (int64_t row = 0; row < chunk; ++row) {
      const std::span<const float> logits = runtime::step_logits(decoder, row);
      const int32_t next = tokens[static_cast<size_t>(begin + row + 1)];
      scores.push_back({{next, text::token_logprob(logits, next)},
                        text::top_logprobs(logits, static_cast<size_t>(top))});
    }
  }
  return scores;
}

}  // namespace verge::serve
