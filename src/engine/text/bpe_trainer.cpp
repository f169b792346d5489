#include <algorithm>
#include <optional>
#include <queue>
#include <unordered_map>

#include <verge/engine/text/bpe_trainer.hpp>
#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/special_tokens.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

constexpr int32_t kBytes = 256;
constexpr size_t kBlockBytes = size_t{1} << 20;  // of text in memory as code points at a time

struct Word {
  std::vector<int32_t> tokens;
  int64_t count;
};

struct Pair {
  int32_t left;
  int32_t right;
  bool operator==(const Pair&) const = default;
};

struct PairHash {
  size_t operator()(const Pair& pair) const {
    const uint64_t key =
        uint64_t{static_cast<uint32_t>(pair.left)} << 32 | static_cast<uint32_t>(pair.right);
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15) >> 17);  // Fibonacci hashing (Knuth)
  }
};

struct PairUse {
  int64_t count = 0;
  std::vector<uint32_t> words;  // that held the pair at some time, each at most once in a row
};

struct PairCandidate {
  int64_t count;
  Pair pair;

  bool operator<(const PairCandidate& other) const {  // the top of a heap is its greatest element
    if (count != other.count) return count < other.count;
    if (pair.left != other.pair.left) return pair.left > other.pair.left;
    return pair.right > other.pair.right;
  }
};

using WordCounts = std::unordered_map<std::string, int64_t>;

void count_words(std::string_view text, const PreTokenizer& splitter, WordCounts& counts) {
  const std::vector<char32_t> characters = code_points(text);
  uint32_t first = 0;
  for (const uint32_t last : splitter.split(characters)) {
    std::string word;
    for (; first < last; ++first) append_utf8(word, characters[first]);
    ++counts[std::move(word)];
  }
}

/// The distinct words of `text` in byte order, so that nothing depends on a hash function.
Result<std::vector<Word>> distinct_words(std::string_view text, const BpeTraining& training) {
  VERGE_TRY(const PreTokenizerSpec* spec, find_pretokenizer(training.pre));
  const PreTokenizer splitter(*spec);
  std::vector<SpecialTokens::Entry> entries;
  for (const std::string& special : training.special) entries.push_back({special, 0});
  WordCounts counts;
  for (const Fragment& fragment : SpecialTokens(entries).split(text)) {
    if (fragment.token >= 0) continue;
    // Cut at line ends: a few words differ from those of the whole text, but memory stays small.
    for (std::string_view rest = fragment.text; !rest.empty();) {
      const size_t newline = rest.find('\n', std::min(kBlockBytes, rest.size()));
      const std::string_view block = rest.substr(0, newline + (newline != rest.npos));
      count_words(block, splitter, counts);
      rest.remove_prefix(block.size());
    }
  }
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<Word> words;
  for (const auto& [bytes, count] : sorted) {
    words.push_back({{}, count});
    for (const char byte : bytes) words.back().tokens.push_back(static_cast<uint8_t>(byte));
  }
  return words;
}

class Trainer {
 public:
  Trainer(std::vector<Word> words, int64_t min_count)
      : words_(std::move(words)), min_count_(min_count) {
    for (size_t word = 0; word < words_.size(); ++word) {
      const std::vector<int32_t>& tokens = words_[word].tokens;
      for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        change({tokens[i], tokens[i + 1]}, words_[word].count, word);
      }
    }
    for (const auto& [pair, use] : uses_) queue_.push({use.count, pair});
    touched_.clear();
  }

  /// The most frequent pair, if it is frequent enough; then replace() must take it.
  std::optional<Pair> best() {
    while (!queue_.empty()) {
      const PairCandidate top = queue_.top();
      queue_.pop();
      const auto use = uses_.find(top.pair);
      if (use == uses_.end()) continue;
      if (use->second.count != top.count) {  // it has changed since it was put in
        if (use->second.count > 0 && use->second.count < top.count) {
          queue_.push({use->second.count, top.pair});
        }
        continue;
      }
      if (top.count < min_count_) return std::nullopt;
      return top.pair;
    }
    return std::nullopt;
  }

  /// Makes `pair` one token wherever it stands.
  void replace(Pair pair, int32_t token) {
    const std::vector<uint32_t> words = std::move(uses_[pair].words);
    for (const uint32_t word : words) replace_in(word, pair, token);
    uses_.erase(pair);
    for (const Pair& grown : touched_) {
      const auto use = uses_.find(grown);
      if (use != uses_.end() && use->second.count > 0) queue_.push({use->second.count, grown});
    }
    touched_.clear();
  }

 private:
  void change(Pair pair, int64_t by, size_t word) {
    PairUse& use = uses_[pair];
    use.count += by;
    if (by < 0) return;
    const auto id = static_cast<uint32_t>(word);
    if (use.words.empty() || use.words.back() != id) use.words.push_back(id);
    touched_.push_back(pair);
  }

  void replace_in(uint32_t index, Pair pair, int32_t token) {
    std::vector<int32_t>& tokens = words_[index].tokens;
    const int64_t count = words_[index].count;
    size_t to = 0;
    for (size_t from = 0; from < tokens.size(); ++from) {
      const bool match =
          from + 1 < tokens.size() && tokens[from] == pair.left && tokens[from + 1] == pair.right;
      if (!match) {
        tokens[to++] = tokens[from];
        continue;
      }
      if (to > 0) {
        change({tokens[to - 1], pair.left}, -count, index);
        change({tokens[to - 1], token}, count, index);
      }
      if (from + 2 < tokens.size()) {
        change({pair.right, tokens[from + 2]}, -count, index);
        change({token, tokens[from + 2]}, count, index);
      }
      tokens[to++] = token;
      ++from;
    }
    tokens.resize(to);
  }

  std::vector<Word> words_;
  int64_t min_count_;
  std::unordered_map<Pair, PairUse, PairHash> uses_;
  std::priority_queue<PairCandidate> queue_;
  std::vector<Pair> touched_;  // pairs that became more frequent in this merge
};

Status check(const BpeTraining& training) {
  const auto& special = training.special;
  if (training.tokens < kBytes + static_cast<int64_t>(special.size())) {
    return make_error(Code::InvalidArgument,
                      "bpe training: {} tokens are too few for 256 bytes and {} special tokens",
                      training.tokens, special.size());
  }
  for (size_t i = 0; i < special.size(); ++i) {
    if (special[i].empty() || special[i].size() > kMaxSpecialBytes ||
        std::find(special.begin(), special.begin() + static_cast<std::ptrdiff_t>(i), special[i]) !=
            special.begin() + static_cast<std::ptrdiff_t>(i)) {
      return make_error(Code::InvalidArgument,
                        "bpe training: special token {} is empty, too long or given twice", i);
    }
  }
  for (const std::string& name : {training.bos, training.eos}) {
    if (!name.empty() && std::find(special.begin(), special.end(), name) == special.end()) {
      return make_error(Code::InvalidArgument, "bpe training: \"{}\" is not a special token", name);
    }
  }
  return {};
}

void add_special_tokens(const BpeTraining& training, Vocabulary& vocabulary) {
  vocabulary.types.assign(vocabulary.tokens.size(), static_cast<int32_t>(TokenType::Normal));
  for (const std::string& name : training.special) {
    const auto id = static_cast<int32_t>(vocabulary.tokens.size());
    if (name == training.bos) vocabulary.bos = id;
    if (name == training.eos) vocabulary.eos = id;
    vocabulary.tokens.push_back(name);
    vocabulary.types.push_back(static_cast<int32_t>(TokenType::Control));
  }
  vocabulary.add_bos = vocabulary.bos >= 0;
  vocabulary.add_eos = false;
}

}  // namespace

Result<Vocabulary> train_bpe(std::string_view text, const BpeTraining& training) {
  VERGE_RETURN_IF_ERROR(check(training));
  VERGE_TRY(std::vector<Word> words, distinct_words(text, training));
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = training.pre;
  std::unordered_map<std::string, int32_t> ids;
  for (int32_t byte = 0; byte < kBytes; ++byte) {
    const char value = static_cast<char>(byte);
    vocabulary.tokens.push_back(to_byte_alphabet({&value, 1}));
    ids.emplace(vocabulary.tokens.back(), byte);
  }
  Trainer trainer(std::move(words), training.min_count);
  const size_t limit = static_cast<size_t>(training.tokens) - training.special.size();
  while (vocabulary.tokens.size() < limit) {
    const std::optional<Pair> pair = trainer.best();
    if (!pair) break;
    const std::string left = vocabulary.tokens[pair->left];
    const std::string right = vocabulary.tokens[pair->right];
    // Two pairs may join to the same text: "ab" "c" and "a" "bc". That is one token, two merges.
    const auto next = static_cast<int32_t>(vocabulary.tokens.size());
    const auto [token, is_new] = ids.emplace(left + right, next);
    if (is_new) vocabulary.tokens.push_back(left + right);
    vocabulary.merges.push_back(left + " " + right);
    trainer.replace(*pair, token->second);
  }
  add_special_tokens(training, vocabulary);
  return vocabulary;
}

}  // namespace verge::text
