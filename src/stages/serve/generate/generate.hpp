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

/// How an answer gets its next tokens once it has its first: by default by a run of the model and a
/// draw for each.
class Advance {
 public:
  virtual ~Advance() = default;
  /// Runs the model on the answer's newest token, and on what it guesses to follow, and draws at
  /// least once. The session then has all tokens of the answer but the newest. Fails with Cancelled
  /// (the session is as before), and as Session::append and Answer::draw do.
  virtual Result<Piece> step(runtime::Session& session, Answer& answer,
                             const std::atomic<bool>* cancel) = 0;
};

/// Appends `prompt` to the session and answers. `on_text` receives whole characters as they come.
/// Fails as Session::append and Sampler do; Cancelled during the prompt leaves the session as
/// before, and during the answer it is a normal end. `constraint`, if any, says what may be
/// drawn.
Result<Generation> generate(model::LanguageModel& model, runtime::Session& session,
                            std::span<const int32_t> prompt, const AnswerOptions& options,
                            const Clock& clock,
                            const std::function<void(std::string_view)>& on_text = {},
                            const std::atomic<bool>* cancel = nullptr, Advance* advance = nullptr,
                            std::unique_ptr<text::TokenConstraint> constraint = {});

}  // namespace verge::serve
