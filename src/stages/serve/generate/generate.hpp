#pragma once
// generate: continues a session token by token until a stop, a limit or the user ends it.

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/generate/answer.hpp>

namespace verge::serve {

struct Generation {
  std::string text;
  std::vector<int32_t> tokens;
  std::vector<TokenLogprobs> logprobs;
  StopReason reason = StopReason::MaxTokens;
  int64_t prompt_tokens = 0;
  double prefill_s = 0;              // running the prompt
  double time_to_first_token_s = 0;  // prompt and first draw
  double decode_s = 0;               // everything after the first token

  double prefill_tokens_per_s() const;
  double decode_tokens_per_s() const;
};

/// Appends `prompt` to the session and answers. `on_text` receives whole characters as they come.
/// Fails as Session::append and Sampler do; Cancelled during the prompt leaves the session as
/// before, and during the answer it is a normal end.
Result<Generation> generate(model::LanguageModel& model, runtime::Session& session,
                            std::span<const int32_t> prompt, const AnswerOptions& options,
                            const Clock& clock,
                            const std::function<void(std::string_view)>& on_text = {},
                            const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::serve
