#include <algorithm>

#include <verge/stages/serve/generate/answer.hpp>
#include <verge/stages/serve/generate/least_tokens.hpp>

namespace verge::serve {
namespace {

std::vector<int32_t> ends_of(const text::Tokenizer& tokenizer, const AnswerOptions& options) {
  std::vector<int32_t> ends = options.stop_tokens;
  for (int32_t token = 0; token < tokenizer.size() && !options.ignore_end; ++token) {
    if (tokenizer.is_end(token)) ends.push_back(token);
  }
  return ends;
}

}  // namespace

std::string_view name(StopReason reason) {
  switch (reason) {
    case StopReason::EndOfText:
      return "end_of_text";
    case StopReason::StopString:
      return "stop_string";
    case StopReason::MaxTokens:
      return "max_tokens";
    case StopReason::ContextFull:
      return "context_full";
    case StopReason::Cancelled:
      return "cancelled";
  }
  return "cancelled";
}

Answer::Answer(const text::Tokenizer& tokenizer, AnswerOptions options, text::Sampler sampler,
               std::unique_ptr<text::TokenConstraint> constraint)
    : tokenizer_(&tokenizer),
      options_(std::move(options)),
      sampler_(std::move(sampler)),
      detokenizer_(tokenizer, {.starts_text = !options_.continues_text}),
      stops_(options_.stop),
      constraint_(std::move(constraint)) {}

Result<Answer> Answer::start(const text::Tokenizer& tokenizer, AnswerOptions options,
                             std::span<const int32_t> prompt,
                             std::unique_ptr<text::TokenConstraint> constraint) {
  VERGE_TRY(text::Sampler sampler, text::Sampler::create(options.sampling, tokenizer.size()));
  for (const int32_t token : prompt) sampler.accept(token);
  if (options.min_tokens > 0) {
    constraint =
        least_tokens(options.min_tokens, ends_of(tokenizer, options), std::move(constraint));
  }
  return Answer(tokenizer, std::move(options), std::move(sampler), std::move(constraint));
}

Result<Piece> Answer::draw(std::span<const float> logits) {
  VERGE_CHECK(!reason_.has_value());
  VERGE_TRY(const int32_t token, sampler_.sample(logits, constraint_.get()));
  return take(token, logits);
}

Result<Piece> Answer::draw(std::span<const float> logits, const text::DraftedToken& drafted) {
  VERGE_CHECK(!reason_.has_value());
  VERGE_TRY(const int32_t token, sampler_.sample(logits, constraint_.get(), drafted));
  return take(token, logits);
}

Piece Answer::take(int32_t token, std::span<const float> logits) {
  Piece piece;
  if (ends_with(token)) {
    if (options_.include_stop && is_stop_token(token)) piece.text = show(text_of(token));
    piece.text += end(StopReason::EndOfText).text;
    return piece;
  }
  if (options_.top_logprobs >= 0) {
    piece.logprobs.push_back(
        {{token, text::token_logprob(logits, token)},
         text::top_logprobs(logits, static_cast<size_t>(options_.top_logprobs))});
  }
  sampler_.accept(token);
  if (constraint_) constraint_->accept(token);
  tokens_.push_back(token);
  piece.tokens.push_back(token);
  piece.text = show(text_of(token));
  if (const auto reason = reason_to_stop()) piece.text += end(*reason).text;
  return piece;
}

bool Answer::is_stop_token(int32_t token) const {
  return std::ranges::find(options_.stop_tokens, token) != options_.stop_tokens.end();
}

std::string Answer::text_of(int32_t token) {
  const std::vector<int32_t>& shown = options_.shown_tokens;
  if (std::ranges::find(shown, token) == shown.end()) return detokenizer_.push(token);
  return detokenizer_.flush() + std::string(tokenizer_->piece(token));
}

// What may be shown of a text that follows; stop strings count once there are enough tokens.
std::string Answer::show(std::string text) {
  if (static_cast<int64_t>(tokens_.size()) < options_.min_tokens) return text;
  const bool had_stopped = stops_.stopped();
  std::string shown = stops_.push(text);
  if (options_.include_stop && stops_.stopped() && !had_stopped) shown += stops_.matched();
  return shown;
}

std::optional<StopReason> Answer::reason_to_stop() const {
  if (stops_.stopped()) return StopReason::StopString;
  if (constraint_ && constraint_->is_finished()) return StopReason::EndOfText;
  const bool at_limit =
      options_.max_tokens >= 0 && static_cast<int64_t>(tokens_.size()) >= options_.max_tokens;
  return at_limit ? std::optional(StopReason::MaxTokens) : std::nullopt;
}

Piece Answer::end(StopReason reason) {
  if (reason_) return {};
  reason_ = reason;
  Piece piece;
  piece.text = show(detokenizer_.flush());
  piece.text += stops_.flush();
  return piece;
}

}  // namespace verge::serve
