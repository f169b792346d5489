#include <algorithm>

#include <verge/core/checksum.hpp>
#include <verge/core/file.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/text/bpe_trainer.hpp>
#include <verge/stages/build/train_lm/corpus.hpp>

namespace verge::build {
namespace {

constexpr size_t kLargestText = size_t{1} << 30;

Result<std::string> read_texts(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& path : files) {
    VERGE_TRY(const std::string text, read_whole_file(path, kLargestText));
    all += text;
  }
  return all;
}

// Where the held-out part begins: at a line's start near the wanted share.
size_t split_point(const std::string& text, double held_out) {
  const auto wanted = static_cast<size_t>(static_cast<double>(text.size()) * (1 - held_out));
  const size_t line = text.rfind('\n', wanted);
  return line == std::string::npos ? wanted : line + 1;
}

}  // namespace

Result<Corpus> make_corpus(const CorpusOptions& options, int64_t context) {
  VERGE_TRY(const std::string text, read_texts(options.files));
  const size_t split = split_point(text, options.held_out);
  const std::string_view whole = text;
  text::BpeTraining training;
  training.tokens = options.vocabulary;
  VERGE_TRY(text::Vocabulary vocabulary, text::train_bpe(whole.substr(0, split), training));
  Corpus corpus;
  VERGE_TRY(corpus.tokenizer, text::make_tokenizer(std::move(vocabulary)));
  corpus.training = corpus.tokenizer->encode(whole.substr(0, split));
  corpus.held_out = corpus.tokenizer->encode(whole.substr(split));
  corpus.held_out_bytes = static_cast<int64_t>(text.size() - split);
  corpus.sha = fmt::format("{:016x}", checksum(std::as_bytes(std::span(text))));
  const auto shortest =
      static_cast<int64_t>(std::min(corpus.training.size(), corpus.held_out.size()));
  if (shortest <= context) {
    return make_error(
        Code::InvalidArgument,
        "the text gives {} tokens of training and {} of held-out text, a context of {} needs more; "
        "add text or use a smaller --context",
        corpus.training.size(), corpus.held_out.size(), context);
  }
  return corpus;
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

}  // namespace verge::build
