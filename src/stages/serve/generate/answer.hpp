#pragma once
// Answer: what becomes of one sequence's logits: a token is drawn, the text it completes is shown,
// and the answer ends for a reason. It runs no model: generate() feeds it the logits of one
// session, the scheduler those of many sequences.
//
//   VERGE_TRY(Answer answer, Answer::start(tokenizer, options, prompt));
//   while (!answer.reason()) {
//     VERGE_TRY(Piece piece, answer.draw(logits));   // then run the model on piece.tokens
//   }

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/detokenizer.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/engine/text/sampler.hpp>
#include <verge/engine/text/stop_strings.hpp>
#include <verge/engine/text/token_constraint.hpp>

namespace verge::serve {

struct AnswerOptions {
  text::SamplerOptions sampling;
  int64_t max_tokens = -1;                // -1: until the model stops or the context is full
  std::vector<std::string> stop;          // the answer ends before any of these
  std::vector<int32_t> stop_tokens = {};  // end the answer as end-of-text tokens do
  bool include_stop = false;   // the stop string or stop token that ends it stands at its end
  int64_t min_tokens = 0;      // neither ends it before, but what a constraint leaves no way on
  bool ignore_end = false;     // go on past end-of-text tokens
  int top_logprobs = -1;       // -1: none; 0: of the chosen token; k: and of the k likeliest
  bool continues_text = true;  // the prompt ends in text, so a leading space is a space
  std::vector<int32_t> shown_tokens = {};  // control tokens that show as their text
};

struct TokenLogprobs {
  text::TokenLogprob chosen;
  std::vector<text::TokenLogprob> top;  // likeliest first
};

/// Where a token of a split model was made, and why there (TokenPlace and TokenReason of
/// stages/serve/collab): names that last as long as the program.
struct TokenOrigin {
  std::string_view place = {};
  std::string_view reason = {};
};

enum class StopReason { EndOfText, StopString, MaxTokens, ContextFull, Cancelled };
std::string_view name(StopReason reason);

/// What one step adds to an answer. Text comes in whole characters and lags behind the tokens while
/// a character is unfinished or may begin a stop string.
struct Piece {
  std::string text;
  std::vector<int32_t> tokens;
  std::vector<TokenLogprobs> logprobs;    // one a token if asked for
  std::vector<TokenOrigin> origins = {};  // one a token of a split model
};

/// One thread at a time; keeps a reference to the tokenizer.
class Answer {
 public:
  /// `prompt` counts for the repetition penalties; `constraint`, if any, says what may be drawn,
  /// and ends the answer where nothing may follow. Fails as Sampler::create does.
  static Result<Answer> start(const text::Tokenizer& tokenizer, AnswerOptions options,
                              std::span<const int32_t> prompt,
                              std::unique_ptr<text::TokenConstraint> constraint = {});

  /// Draws the next token from logits [vocab]; no token if it is an end-of-text. When it ends the
  /// answer, the text that was held back comes with it. Fails as Sampler::sample does.
  Result<Piece> draw(std::span<const float> logits);
  /// The same where the token was drafted: it is kept or replaced as Sampler::sample says.
  Result<Piece> draw(std::span<const float> logits, const text::DraftedToken& drafted);
  /// The same of a token that was drawn elsewhere, without logprobs.
  Piece take(int32_t token) { return take(token, {}); }
  /// Ends it from outside (ContextFull, Cancelled): the text that was held back.
  Piece end(StopReason reason);

  /// Empty while it goes on.
  const std::optional<StopReason>& reason() const { return reason_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }
  const AnswerOptions& options() const { return options_; }
  /// Where the next draw begins, for who guesses it: copy and clone.
  const text::Sampler& sampler() const { return sampler_; }
  const text::TokenConstraint* constraint() const { return constraint_.get(); }
  /// Whether drawing this token would end the answer as EndOfText.
  bool ends_with(int32_t token) const {
    return is_stop_token(token) || (!options_.ignore_end && tokenizer_->is_end(token));
  }
  bool is_constrained() const { return constraint_ != nullptr; }

 private:
  Answer(const text::Tokenizer& tokenizer, AnswerOptions options, text::Sampler sampler,
         std::unique_ptr<text::TokenConstraint> constraint);
  Piece take(int32_t token, std::span<const float> logits);
  std::optional<StopReason> reason_to_stop() const;
  bool is_stop_token(int32_t token) const;
  std::string show(std::string text);
  std::string text_of(int32_t token);

  const text::Tokenizer* tokenizer_;
  AnswerOptions options_;
  text::Sampler sampler_;
  text::Detokenizer detokenizer_;
  text::StopStrings stops_;
  std::unique_ptr<text::TokenConstraint> constraint_;  // null: none
  std::vector<int32_t> tokens_;
  std::optional<StopReason> reason_;
};

}  // namespace verge::serve
