#include <verge/engine/text/detokenizer.hpp>
#include <verge/engine/text/stop_strings.hpp>
#include <verge/stages/serve/generate/generate.hpp>

namespace verge::serve {
namespace {

class Generator {
 public:
  Generator(model::LanguageModel& model, runtime::Session& session, const GenerateOptions& options,
            text::Sampler sampler, const std::function<void(std::string_view)>& on_text)
      : model_(model),
        session_(session),
        options_(options),
        sampler_(std::move(sampler)),
        detokenizer_(model.tokenizer(), {.starts_text = !options.continues_text}),
        stops_(options.stop),
        on_text_(on_text) {}

  void accept_prompt(std::span<const int32_t> prompt) {
    for (int32_t token : prompt) sampler_.accept(token);
  }

  // Draws one token; false when the answer has ended.
  Result<bool> step() {
    VERGE_TRY(const int32_t token, sampler_.sample(session_.logits()));
    if (!options_.ignore_end && model_.tokenizer().is_end(token)) return end(StopReason::EndOfText);
    if (options_.top_logprobs >= 0) add_logprobs(token);
    sampler_.accept(token);
    result_.tokens.push_back(token);
    show(stops_.push(detokenizer_.push(token)));
    if (stops_.stopped()) return end(StopReason::StopString);
    if (options_.max_tokens >= 0 &&
        static_cast<int64_t>(result_.tokens.size()) >= options_.max_tokens) {
      return end(StopReason::MaxTokens);
    }
    if (session_.length() >= model_.decoder().context) return end(StopReason::ContextFull);
    return true;
  }

  // Runs the model on the newest token; false when the user has stopped it.
  Result<bool> advance(const std::atomic<bool>* cancel) {
    const Status status = session_.append(std::span(&result_.tokens.back(), 1), cancel);
    if (status) return true;
    if (status.error().code == Code::Cancelled) return end(StopReason::Cancelled);
    return status.error();
  }

  Generation finish() {
    show(stops_.push(detokenizer_.flush()));
    show(stops_.flush());
    return std::move(result_);
  }

  Generation& result() { return result_; }

 private:
  bool end(StopReason reason) {
    result_.reason = reason;
    return false;
  }

  void show(const std::string& text) {
    if (text.empty()) return;
    result_.text += text;
    if (on_text_) on_text_(text);
  }

  void add_logprobs(int32_t token) {
    const auto logits = session_.logits();
    result_.logprobs.push_back(
        {{token, text::token_logprob(logits, token)},
         text::top_logprobs(logits, static_cast<size_t>(options_.top_logprobs))});
  }

  model::LanguageModel& model_;
  runtime::Session& session_;
  const GenerateOptions& options_;
  text::Sampler sampler_;
  text::Detokenizer detokenizer_;
  text::StopStrings stops_;
  const std::function<void(std::string_view)>& on_text_;
  Generation result_;
};

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

double Generation::prefill_tokens_per_s() const {
  return prefill_s > 0 ? static_cast<double>(prompt_tokens) / prefill_s : 0;
}

double Generation::decode_tokens_per_s() const {
  return decode_s > 0 ? static_cast<double>(tokens.size() - 1) / decode_s : 0;
}

Result<Generation> generate(model::LanguageModel& model, runtime::Session& session,
                            std::span<const int32_t> prompt, const GenerateOptions& options,
                            const Clock& clock,
                            const std::function<void(std::string_view)>& on_text,
                            const std::atomic<bool>* cancel) {
  if (prompt.empty() && session.length() == 0) {
    return make_error(Code::InvalidArgument, "the prompt has no tokens; give a text with -p");
  }
  VERGE_TRY(text::Sampler sampler,
            text::Sampler::create(options.sampling, model.tokenizer().size()));
  Generator generator(model, session, options, std::move(sampler), on_text);
  generator.accept_prompt(prompt);
  Generation& result = generator.result();
  result.prompt_tokens = static_cast<int64_t>(prompt.size());
  const double begin = clock.seconds();
  VERGE_RETURN_IF_ERROR(session.append(prompt, cancel));
  result.prefill_s = clock.seconds() - begin;
  if (options.max_tokens == 0) return generator.finish();
  VERGE_TRY(bool more, generator.step());
  const double first = clock.seconds();
  result.time_to_first_token_s = first - begin;
  while (more) {
    VERGE_TRY(more, generator.advance(cancel));
    if (!more) break;
    VERGE_TRY(more, generator.step());
  }
  result.decode_s = clock.seconds() - first;
  return generator.finish();
}

}  // namespace verge::serve
