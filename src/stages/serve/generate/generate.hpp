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
#include <verge/engine/text/logprobs.hpp>
#include <verge/engine/text/sampler.hpp>

namespace verge::serve {

struct GenerateOptions {
  text::SamplerOptions sampling;
  int64_t max_tokens = -1;        // -1: until the model stops or the context is full
  std::vector<std::string> stop;  // the answer ends before any of these
  bool ignore_end = false;        // go on past end-of-text tokens
  int top_logprobs = -1;          // -1: none; 0: of the chosen token; k: and of the k likeliest
  bool continues_text = true;     // the prompt ends in text, so a leading space is a space
};

struct TokenLogprobs {
  text::TokenLogprob chosen;
  std::vector<text::TokenLogprob> top;  // likeliest first
};

enum class StopReason { EndOfText, StopString, MaxTokens, ContextFull, Cancelled };
std::string_view name(StopReason reason);

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
                            std::span<const int32_t> prompt, const GenerateOptions& options,
                            const Clock& clock,
                            const std::function<void(std::string_view)>& on_text = {},
                            const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::serve
