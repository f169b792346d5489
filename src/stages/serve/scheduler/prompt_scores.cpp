#include <verge/engine/runtime/session.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/scheduler/prompt_scores.hpp>

namespace verge::serve {

Result<std::vector<TokenLogprobs>> score_prompt(runtime::Decoder& decoder,
                                                std::span<const int32_t> tokens, int top,
                                                int32_t adapter, const std::atomic<bool>* cancel) {
  std::vector<TokenLogprobs> scores;
  if (tokens.size() < 2) return scores;
  runtime::Session session(decoder);
  session.set_adapter(adapter);
  const auto score = [&](int64_t position, std::span<const float> logits) {
    const int32_t next = tokens[static_cast<size_t>(position) + 1];
    scores.push_back({{next, text::token_logprob(logits, next)},
                      text::top_logprobs(logits, static_cast<size_t>(top))});
  };
  // The last token predicts nothing that is asked for.
  VERGE_RETURN_IF_ERROR(session.append(tokens.first(tokens.size() - 1), score, cancel));
  return scores;
}

}  // namespace verge::serve
