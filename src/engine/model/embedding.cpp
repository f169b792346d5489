#include <algorithm>

#include <verge/engine/model/embedding.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/runtime/step.hpp>

namespace verge::model {
namespace {

// The values of "<architecture>.pooling_type" in GGUF files.
enum PoolingType : int64_t { kNoPooling = 0, kMean = 1, kCls = 2, kLast = 3 };

}  // namespace

Result<Pooling> pooling_of(const format::ModelSource& source) {
  const std::string key = FileFacts(source).architecture() + ".pooling_type";
  VERGE_TRY(const int64_t type, source.metadata.get_i64(key, kMean));
  switch (type) {
    case kNoPooling:
    case kMean:
      return Pooling::Mean;
    case kCls:
      return Pooling::Cls;
    case kLast:
      return Pooling::Last;
    default:
      return make_error(Code::Unsupported,
                        "{}: {} is {}; use a model that pools by mean, first or last token",
                        source.path, key, type);
  }
}

void PooledState::add(const runtime::Decoder& decoder, int64_t first, int64_t rows) {
  for (int64_t row = first; row < first + rows; ++row) {
    const std::span<const float> hidden = runtime::step_hidden(decoder, row);
    std::ranges::transform(sum_, hidden, sum_.begin(), std::plus<>());
  }
  rows_ += rows;
}

std::vector<float> PooledState::value() const {
  VERGE_CHECK(rows_ > 0, rows_);
  std::vector<float> mean(sum_.size());
  std::ranges::transform(sum_, mean.begin(), [&](double value) {
    return static_cast<float>(value / static_cast<double>(rows_));
  });
  return mean;
}

Result<std::vector<float>> embed(LanguageModel& model, std::span<const int32_t> tokens,
                                 Pooling pooling, const std::atomic<bool>* cancel) {
  if (tokens.empty()) return make_error(Code::InvalidArgument, "no text to embed; give some");
  VERGE_RETURN_IF_ERROR(model.prepare_hidden());
  runtime::Decoder& decoder = model.decoder();
  PooledState pooled(pooling, decoder.d_model);
  const int64_t count = pooled.tokens(static_cast<int64_t>(tokens.size()));
  tokens = tokens.first(static_cast<size_t>(count));
  runtime::Sequence sequence(decoder);
  VERGE_RETURN_IF_ERROR(sequence.reserve(count));
  while (!tokens.empty()) {
    const auto rest = static_cast<int64_t>(tokens.size());
    const int64_t chunk = runtime::chunk_to_run(decoder, rest, decoder.max_tokens);
    const runtime::StepItem item{&sequence, tokens.first(static_cast<size_t>(chunk)),
                                 pooled.rows(chunk, chunk == rest)};
    VERGE_RETURN_IF_ERROR(run_hidden(decoder, std::span(&item, 1), cancel));
    pooled.add(decoder, 0, item.outputs);
    tokens = tokens.subspan(static_cast<size_t>(chunk));
  }
  return pooled.value();
}

}  // namespace verge::model
