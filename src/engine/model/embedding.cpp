#include <algorithm>

#include <verge/engine/model/embedding.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/runtime/step.hpp>

namespace verge::model {
namespace {

// The values of "<architecture>.pooling_type" in GGUF files.
enum PoolingType : int64_t { kNoPooling = 0, kMean = 1, kCls = 2, kLast = 3 };

// How many of a chunk's last tokens have hidden states that count.
int64_t outputs_of(Pooling pooling, int64_t chunk, bool is_last) {
  if (pooling == Pooling::Last) return is_last ? 1 : 0;
  return chunk;
}

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

Result<std::vector<float>> embed(LanguageModel& model, std::span<const int32_t> tokens,
                                 Pooling pooling, const std::atomic<bool>* cancel) {
  if (tokens.empty()) return make_error(Code::InvalidArgument, "no text to embed; give some");
  VERGE_RETURN_IF_ERROR(model.prepare_hidden());
  runtime::Decoder& decoder = model.decoder();
  if (pooling == Pooling::Cls) tokens = tokens.first(1);  // nothing after it is seen by it
  runtime::Sequence sequence(decoder);
  VERGE_RETURN_IF_ERROR(sequence.reserve(static_cast<int64_t>(tokens.size())));
  std::vector<double> sum(static_cast<size_t>(decoder.d_model));
  int64_t rows = 0;
  while (!tokens.empty()) {
    const auto rest = static_cast<int64_t>(tokens.size());
    const int64_t chunk = runtime::chunk_to_run(decoder, rest, decoder.max_tokens);
    const runtime::StepItem item{&sequence, tokens.first(static_cast<size_t>(chunk)),
                                 outputs_of(pooling, chunk, chunk == rest)};
    VERGE_RETURN_IF_ERROR(run_hidden(decoder, std::span(&item, 1), cancel));
    for (int64_t row = 0; row < item.outputs; ++row, ++rows) {
      const std::span<const float> hidden = step_hidden(decoder, row);
      std::ranges::transform(sum, hidden, sum.begin(), std::plus<>());
    }
    tokens = tokens.subspan(static_cast<size_t>(chunk));
  }
  std::vector<float> mean(sum.size());
  std::ranges::transform(sum, mean.begin(), [&](double value) {
    return static_cast<float>(value / static_cast<double>(rows));
  });
  return mean;
}

}  // namespace verge::model
