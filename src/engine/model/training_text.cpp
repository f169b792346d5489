#include <algorithm>

#include <verge/core/checksum.hpp>
#include <verge/core/file.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/model/training_text.hpp>

namespace verge::model {
namespace {

constexpr size_t kLargestText = size_t{1} << 30;

size_t split_point(const std::string& text, double held_out) {
  const auto wanted = static_cast<size_t>(static_cast<double>(text.size()) * (1 - held_out));
  const size_t line = text.rfind('\n', wanted);
  return line == std::string::npos ? wanted : line + 1;
}

}  // namespace

Result<TrainingText> read_training_text(const std::vector<std::string>& files, double held_out) {
  TrainingText all;
  for (const std::string& path : files) {
    VERGE_TRY(const std::string text, read_whole_file(path, kLargestText));
    all.text += text;
  }
  all.held_out_from = split_point(all.text, held_out);
  all.sha = fmt::format("{:016x}", checksum(std::as_bytes(std::span(all.text))));
  return all;
}

Status check_training_text(size_t training_tokens, size_t held_out_tokens, int64_t context) {
  if (static_cast<int64_t>(std::min(training_tokens, held_out_tokens)) > context) return {};
  return make_error(
      Code::InvalidArgument,
      "the text gives {} tokens of training and {} of held-out text, a context of {} needs more; "
      "add text or use a smaller --context",
      training_tokens, held_out_tokens, context);
}

void draw_batch(std::span<const int32_t> corpus, uint64_t seed, int64_t step, int64_t context,
                std::span<int32_t> tokens, std::span<int32_t> targets) {
  Rng rng(seed, static_cast<uint64_t>(step) + 1);
  const auto length = static_cast<size_t>(context);
  for (size_t row = 0; row * length < tokens.size(); ++row) {
    const size_t start = rng.below(static_cast<uint32_t>(corpus.size() - length));
    std::ranges::copy(corpus.subspan(start, length), tokens.subspan(row * length).begin());
    std::ranges::copy(corpus.subspan(start + 1, length), targets.subspan(row * length).begin());
  }
}

}  // namespace verge::model
