#include <algorithm>
#include <cmath>

#include <verge/core/file.hpp>
#include <verge/engine/quality/text_quality.hpp>
#include <verge/engine/text/logprobs.hpp>

namespace verge::quality {
namespace {

using Logits = std::span<const float>;

constexpr size_t kMaxTextBytes = size_t{1} << 30;

struct RowScore {
  double nll = 0;
  double reference_nll = 0;
  double kl = 0;
  bool same_top = false;
};

int64_t argmax(Logits logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

RowScore score(Logits own, Logits reference, int32_t next) {
  RowScore row;
  const double own_norm = text::log_sum_exp(own);
  row.nll = own_norm - own[next];
  if (reference.empty()) return row;
  const double norm = text::log_sum_exp(reference);
  row.reference_nll = norm - reference[next];
  for (size_t i = 0; i < own.size(); ++i) {
    const double log_p = reference[i] - norm;
    const double p = std::exp(log_p);
    if (p > 0) row.kl += p * (log_p - (own[i] - own_norm));
  }
  row.same_top = argmax(own) == argmax(reference);
  return row;
}

// Copies of the logits after each of some tokens, one row a token.
struct Rows {
  std::vector<float> values;
  size_t vocab = 0;

  Logits operator[](size_t row) const {
    return values.empty() ? Logits{} : Logits(values).subspan(row * vocab, vocab);
  }
};

Status read_rows(runtime::Session& session, std::span<const int32_t> tokens, Rows& rows,
                 const std::atomic<bool>* cancel) {
  rows.values.clear();
  return session.append(
      tokens,
      [&](int64_t, Logits logits) {
        rows.vocab = logits.size();
        rows.values.insert(rows.values.end(), logits.begin(), logits.end());
      },
      cancel);
}

class TextMeter {
 public:
  TextMeter(model::LanguageModel& model, model::LanguageModel* reference, ThreadPool& pool,
            const std::atomic<bool>* cancel)
      : model_(model), reference_(reference), pool_(pool), cancel_(cancel) {}

  // Scores the prediction of each token in the chunk's second half.
  Status add_chunk(std::span<const int32_t> chunk) {
    runtime::Session session = model_.session();
    std::optional<runtime::Session> reference;
    if (reference_ != nullptr) reference.emplace(reference_->session());
    const size_t first = chunk.size() / 2;
    VERGE_RETURN_IF_ERROR(session.append(chunk.first(first), cancel_));
    if (reference) VERGE_RETURN_IF_ERROR(reference->append(chunk.first(first), cancel_));
    for (size_t at = first; at + 1 < chunk.size(); at += kRows) {
      const size_t count = std::min<size_t>(kRows, chunk.size() - 1 - at);
      VERGE_RETURN_IF_ERROR(read_rows(session, chunk.subspan(at, count), own_, cancel_));
      if (reference) {
        VERGE_RETURN_IF_ERROR(
            read_rows(*reference, chunk.subspan(at, count), reference_rows_, cancel_));
      }
      add_rows(chunk.subspan(at + 1, count));
    }
    return {};
  }

  TextQuality result(int64_t chunks) const {
    const Estimate nll = nll_.estimate();
    const double perplexity = std::exp(nll.value);
    TextQuality quality{nll, {perplexity, perplexity * nll.standard_error, nll.count}, {}, chunks};
    if (reference_ != nullptr) {
      quality.divergence = {reference_nll_.estimate(), kl_.estimate(), quantile(kls_, 0.999),
                            share(same_top_, nll.count)};
    }
    return quality;
  }

 private:
  void add_rows(std::span<const int32_t> next) {
    std::vector<RowScore> scores(next.size());
    pool_.run([&](Worker& worker) {
      for (int64_t i = worker.claim(); i < std::ssize(scores); i = worker.claim()) {
        scores[i] = score(own_[i], reference_rows_[i], next[i]);
      }
    });
    for (const RowScore& row : scores) {
      nll_.add(row.nll);
      if (reference_ == nullptr) continue;
      reference_nll_.add(row.reference_nll);
      kl_.add(row.kl);
      kls_.push_back(row.kl);
      same_top_ += row.same_top ? 1 : 0;
    }
  }

  model::LanguageModel& model_;
  model::LanguageModel* reference_;
  ThreadPool& pool_;
  const std::atomic<bool>* cancel_;
  Rows own_, reference_rows_;
  RunningMean nll_, reference_nll_, kl_;
  std::vector<double> kls_;
  int64_t same_top_ = 0;
};

Status check_same_vocabulary(const model::LanguageModel& model,
                             const model::LanguageModel& reference) {
  const text::Tokenizer &own = model.tokenizer(), &other = reference.tokenizer();
  if (model.config().vocab != reference.config().vocab) {
    return make_error(Code::Conflict,
                      "the reference gives {} logits and this model {}; compare models of one "
                      "origin",
                      reference.config().vocab, model.config().vocab);
  }
  for (int32_t id = 0; id < std::max(own.size(), other.size()); ++id) {
    if (own.piece(id) != other.piece(id)) {
      return make_error(Code::Conflict,
                        "the reference has another vocabulary: token {} is \"{}\" there and "
                        "\"{}\" here; compare models of one origin",
                        id, other.piece(id), own.piece(id));
    }
  }
  return {};
}

Status check_chunk(model::LanguageModel& model, int64_t tokens, int64_t chunk) {
  const int64_t context = model.decoder().context;
  if (chunk < 4 || chunk > context) {
    return make_error(Code::InvalidArgument,
                      "--chunk {} is not between 4 and the context of {} tokens", chunk, context);
  }
  if (tokens < chunk) {
    return make_error(Code::InvalidArgument,
                      "the text has {} tokens and a chunk takes {}; give a longer text or a "
                      "smaller --chunk",
                      tokens, chunk);
  }
  return {};
}

}  // namespace

Result<std::vector<int32_t>> read_text(const model::LanguageModel& model, const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMaxTextBytes));
  return model.tokenizer().encode(text, {.add_special = false});
}

Result<TextQuality> measure_text(model::LanguageModel& model, model::LanguageModel* reference,
                                 std::span<const int32_t> tokens, ThreadPool& pool,
                                 const TextOptions& options) {
  VERGE_RETURN_IF_ERROR(check_chunk(model, std::ssize(tokens), options.chunk));
  if (reference != nullptr) {
    VERGE_RETURN_IF_ERROR(check_same_vocabulary(model, *reference));
    VERGE_RETURN_IF_ERROR(check_chunk(*reference, std::ssize(tokens), options.chunk));
  }
  int64_t chunks = std::ssize(tokens) / options.chunk;
  if (options.max_chunks > 0) chunks = std::min(chunks, options.max_chunks);
  const text::Vocabulary& vocabulary = model.tokenizer().vocabulary();
  TextMeter meter(model, reference, pool, options.cancel);
  for (int64_t i = 0; i < chunks; ++i) {
    const auto part = tokens.subspan(i * options.chunk, options.chunk);
    std::vector<int32_t> chunk(part.begin(), part.end());
    if (vocabulary.add_bos.value_or(false)) chunk.front() = vocabulary.bos;
    VERGE_RETURN_IF_ERROR(meter.add_chunk(chunk));
    if (options.on_chunk) options.on_chunk(i + 1, chunks);
  }
  return meter.result(chunks);
}

}  // namespace verge::quality
