#include <verge/stages/serve/generate/generate.hpp>

namespace verge::serve {
namespace {

class TokenByToken : public Advance {
 public:
  Result<Piece> step(runtime::Session& session, Answer& answer,
                     const std::atomic<bool>* cancel) override {
    VERGE_RETURN_IF_ERROR(session.append(std::span(&answer.tokens().back(), 1), cancel));
    return answer.draw(session.logits());
  }
};

class Generator {
 public:
  Generator(model::LanguageModel& model, runtime::Session& session, Answer answer,
            const std::function<void(std::string_view)>& on_text)
      : model_(model), session_(session), answer_(std::move(answer)), on_text_(on_text) {}

  bool goes_on() const { return !answer_.reason().has_value(); }

  Status draw() { return take(answer_.draw(session_.logits())); }

  Status advance(Advance& by, const std::atomic<bool>* cancel) {
    const Status status = take(by.step(session_, answer_, cancel));
    if (status || status.error().code != Code::Cancelled) return status;
    add(answer_.end(StopReason::Cancelled));
    return {};
  }

  Generation finish() {
    add(answer_.end(StopReason::MaxTokens));  // of none: otherwise it has ended already
    result_.tokens = answer_.tokens();
    result_.reason = *answer_.reason();
    return std::move(result_);
  }

  Generation& result() { return result_; }

 private:
  Status take(const Result<Piece>& piece) {
    if (!piece) return piece.error();
    add(piece.value());
    if (session_.length() >= model_.decoder().context) add(answer_.end(StopReason::ContextFull));
    return {};
  }

  void add(const Piece& piece) {
    result_.logprobs.insert(result_.logprobs.end(), piece.logprobs.begin(), piece.logprobs.end());
    if (piece.text.empty()) return;
    result_.text += piece.text;
    if (on_text_) on_text_(piece.text);
  }

  model::LanguageModel& model_;
  runtime::Session& session_;
  Answer answer_;
  const std::function<void(std::string_view)>& on_text_;
  Generation result_;
};

}  // namespace

double Generation::prefill_tokens_per_s() const {
  return prefill_s > 0 ? static_cast<double>(prompt_tokens) / prefill_s : 0;
}

double Generation::decode_tokens_per_s() const {
  return decode_s > 0 ? static_cast<double>(tokens.size() - 1) / decode_s : 0;
}

Result<Generation> generate(model::LanguageModel& model, runtime::Session& session,
                            std::span<const int32_t> prompt, const AnswerOptions& options,
                            const Clock& clock,
                            const std::function<void(std::string_view)>& on_text,
                            const std::atomic<bool>* cancel, Advance* advance,
                            std::unique_ptr<text::TokenConstraint> constraint) {
  if (prompt.empty() && session.length() == 0) {
    return make_error(Code::InvalidArgument, "the prompt has no tokens; give a text with -p");
  }
  std::vector<int32_t> before = session.tokens();
  before.insert(before.end(), prompt.begin(), prompt.end());
  VERGE_TRY(Answer answer,
            Answer::start(model.tokenizer(), options, before, std::move(constraint)));
  Generator generator(model, session, std::move(answer), on_text);
  Generation& result = generator.result();
  result.prompt_tokens = static_cast<int64_t>(prompt.size());
  const double begin = clock.seconds();
  VERGE_RETURN_IF_ERROR(session.append(prompt, cancel));
  result.prefill_s = clock.seconds() - begin;
  if (options.max_tokens == 0) return generator.finish();
  VERGE_RETURN_IF_ERROR(generator.draw());
  const double first = clock.seconds();
  result.time_to_first_token_s = first - begin;
  TokenByToken plain;
  Advance& by = advance != nullptr ? *advance : plain;
  while (generator.goes_on()) VERGE_RETURN_IF_ERROR(generator.advance(by, cancel));
  result.decode_s = clock.seconds() - first;
  return generator.finish();
}

}  // namespace verge::serve
