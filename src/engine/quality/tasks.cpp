#include <algorithm>

#include <verge/engine/quality/tasks.hpp>
#include <verge/engine/text/logprobs.hpp>

namespace verge::quality {
namespace {

// Log-probabilities of texts that begin alike: what they share is read once.
class Scorer {
 public:
  Scorer(model::LanguageModel& model, const std::atomic<bool>* cancel)
      : model_(model), session_(model.session()), cancel_(cancel) {}

  std::vector<int32_t> encode(const std::string& text) const {
    return model_.tokenizer().encode(text);
  }

  // log P(tokens[first..] | tokens[..first]); the very first token has nothing to be predicted by.
  Result<double> logprob(std::span<const int32_t> tokens, size_t first) {
    first = std::max<size_t>(first, 1);
    if (tokens.size() <= first) {
      return make_error(Code::InvalidArgument, "a text has no token to score; give a longer one");
    }
    const auto& read = session_.tokens();
    const auto shared = std::ranges::mismatch(read, tokens).in1 - read.begin();
    session_.truncate(std::min<int64_t>(shared, static_cast<int64_t>(first) - 1));
    // The last token predicts nothing that is scored.
    const auto rest = tokens.subspan(static_cast<size_t>(session_.length()));
    double sum = 0;
    VERGE_RETURN_IF_ERROR(session_.append(
        rest.first(rest.size() - 1),
        [&](int64_t position, std::span<const float> logits) {
          const auto next = static_cast<size_t>(position) + 1;
          if (next >= first) sum += text::token_logprob(logits, tokens[next]);
        },
        cancel_));
    return sum;
  }

 private:
  model::LanguageModel& model_;
  runtime::Session session_;
  const std::atomic<bool>* cancel_;
};

Error in_task(const Error& error, std::string_view kind, size_t index) {
  return {error.code, fmt::format("{} {}: {}", kind, index + 1, error.message)};
}

struct Verdict {
  bool raw = false;
  bool normalised = false;
};

Result<Verdict> judge(Scorer& scorer, const Choice& choice) {
  // A choice may merge with the query's last token: all are scored from where the first one parts.
  const std::vector<int32_t> query = scorer.encode(choice.query);
  std::vector<std::vector<int32_t>> texts;
  auto first = std::ssize(query);
  for (const std::string& text : choice.choices) {
    texts.push_back(scorer.encode(choice.query + text));
    first = std::min(first, std::ranges::mismatch(query, texts.back()).in1 - query.begin());
  }
  std::vector<double> raw, normalised;
  for (size_t i = 0; i < texts.size(); ++i) {
    VERGE_TRY(const double logprob, scorer.logprob(texts[i], static_cast<size_t>(first)));
    raw.push_back(logprob);
    normalised.push_back(logprob / static_cast<double>(choice.choices[i].size()));
  }
  const auto best = [](const std::vector<double>& scores) {
    return static_cast<size_t>(std::ranges::max_element(scores) - scores.begin());
  };
  return Verdict{best(raw) == choice.answer, best(normalised) == choice.answer};
}

Result<bool> prefers_good(Scorer& scorer, const Pair& pair) {
  VERGE_TRY(const double good, scorer.logprob(scorer.encode(pair.good), 0));
  VERGE_TRY(const double bad, scorer.logprob(scorer.encode(pair.bad), 0));
  return good > bad;
}

}  // namespace

Result<ChoiceQuality> measure_choices(model::LanguageModel& model,
                                      const std::vector<Choice>& choices,
                                      const TaskOptions& options) {
  Scorer scorer(model, options.cancel);
  int64_t raw = 0, normalised = 0;
  for (size_t i = 0; i < choices.size(); ++i) {
    const auto verdict = judge(scorer, choices[i]);
    if (!verdict) return in_task(verdict.error(), "question", i);
    raw += verdict->raw ? 1 : 0;
    normalised += verdict->normalised ? 1 : 0;
    if (options.on_task) options.on_task(static_cast<int64_t>(i) + 1, std::ssize(choices));
  }
  return ChoiceQuality{share(raw, std::ssize(choices)), share(normalised, std::ssize(choices))};
}

Result<Estimate> measure_pairs(model::LanguageModel& model, const std::vector<Pair>& pairs,
                               const TaskOptions& options) {
  Scorer scorer(model, options.cancel);
  int64_t right = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto good = prefers_good(scorer, pairs[i]);
    if (!good) return in_task(good.error(), "pair", i);
    right += *good ? 1 : 0;
    if (options.on_task) options.on_task(static_cast<int64_t>(i) + 1, std::ssize(pairs));
  }
  return share(right, std::ssize(pairs));
}

}  // namespace verge::quality
