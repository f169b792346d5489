#include <array>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <verge/core/rng.hpp>
#include <verge/stages/build/random_model/vocabulary.hpp>

namespace verge::build {
namespace {

enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

constexpr size_t kLongestPiece = 12;                                 // bytes
constexpr std::string_view kLetters = "etaoinshrdlcumwfgypbvkjxqz";  // by frequency in English

constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}";
constexpr const char* kGemmaTurns =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}";

constexpr const char* kPhiTurns =
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + "
    "'<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

std::string utf8(uint32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

/// The character that stands for a byte in byte-level BPE (GPT-2): itself if printable in Latin-1,
/// else the next of U+0100, U+0101, ...
std::vector<std::string> byte_characters() {
  std::vector<std::string> characters;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    characters.push_back(utf8(printable ? byte : next++));
  }
  return characters;
}

/// Grows words by joining two pieces; the first may begin with the mark of a space.
class PieceMaker {
 public:
  PieceMaker(const std::string& space, uint64_t seed) : rng_(seed, 0x766F636162) {
    heads_.push_back(space);
    for (const char letter : kLetters) {
      heads_.push_back({letter});
      tails_.push_back({letter});
    }
    known_.insert(heads_.begin(), heads_.end());
  }

  std::pair<std::string, std::string> next() {
    for (;;) {
      const std::string left = pick(heads_);
      const std::string right = pick(tails_);
      const std::string joined = left + right;
      if (joined.size() > kLongestPiece || !known_.insert(joined).second) continue;
      heads_.push_back(joined);
      if (left.front() >= 'a' && left.front() <= 'z') tails_.push_back(joined);
      return {left, right};
    }
  }

 private:
  /// Early pieces, which are short and frequent, more often than late ones.
  const std::string& pick(const std::vector<std::string>& pieces) {
    const float u = rng_.uniform();
    return pieces[static_cast<size_t>(u * u * static_cast<float>(pieces.size()))];
  }

  Rng rng_;
  std::vector<std::string> heads_;
  std::vector<std::string> tails_;
  std::unordered_set<std::string> known_;
};

void add(RandomVocabulary& vocabulary, std::string token, TokenType type) {
  vocabulary.tokens.push_back(std::move(token));
  vocabulary.types.push_back(type);
}

Error too_small(int size, size_t needed) {
  return make_error(Code::InvalidArgument,
                    "vocab is {}; bytes, characters and special tokens alone are {}: take more",
                    size, needed);
}

/// Fills `vocabulary`, which has its first tokens, up to `size`; the last are `special`.
Result<RandomVocabulary> sentence_pieces(RandomVocabulary vocabulary, int size, uint64_t seed,
                                         std::span<const char* const> special = {}) {
  const std::string space = "\xE2\x96\x81";  // U+2581
  for (int byte = 0; byte < 256; ++byte) add(vocabulary, fmt::format("<0x{:02X}>", byte), kByte);
  add(vocabulary, space, kNormal);
  for (char character = '!'; character <= '~'; ++character) {
    add(vocabulary, {character}, kNormal);
  }
  const size_t needed = vocabulary.tokens.size() + special.size();
  if (needed > static_cast<size_t>(size)) return too_small(size, needed);
  PieceMaker pieces(space, seed);
  while (vocabulary.tokens.size() + special.size() < static_cast<size_t>(size)) {
    const auto [left, right] = pieces.next();
    add(vocabulary, left + right, kNormal);
  }
  for (const char* token : special) add(vocabulary, token, kControl);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const bool normal = vocabulary.types[id] == kNormal;
    vocabulary.scores.push_back(normal ? -static_cast<float>(id) : 0.0f);
  }
  return vocabulary;
}

RandomVocabulary llama_start() {
  RandomVocabulary vocabulary{.bos = 1, .eos = 2, .unknown = 0, .add_bos = true};
  add(vocabulary, "<unk>", kUnknown);
  add(vocabulary, "<s>", kControl);
  add(vocabulary, "</s>", kControl);
  return vocabulary;
}

Result<RandomVocabulary> phi_vocabulary(int size, uint64_t seed) {
  constexpr std::array special = {"<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>",
                                  "<|user|>"};
  RandomVocabulary vocabulary = llama_start();
  vocabulary.eos = vocabulary.padding = size - static_cast<int>(special.size());
  vocabulary.chat_template = kPhiTurns;
  return sentence_pieces(std::move(vocabulary), size, seed, special);
}

Result<RandomVocabulary> gemma_vocabulary(int size, uint64_t seed) {
  RandomVocabulary vocabulary{.bos = 2, .eos = 1, .unknown = 3, .padding = 0, .add_bos = true};
  add(vocabulary, "<pad>", kControl);
  add(vocabulary, "<eos>", kControl);
  add(vocabulary, "<bos>", kControl);
  add(vocabulary, "<unk>", kUnknown);
  add(vocabulary, "<start_of_turn>", kControl);
  add(vocabulary, "<end_of_turn>", kControl);
  vocabulary.chat_template = kGemmaTurns;
  return sentence_pieces(std::move(vocabulary), size, seed);
}

Result<RandomVocabulary> byte_pairs(int size, uint64_t seed) {
  RandomVocabulary vocabulary;
  for (std::string& character : byte_characters()) add(vocabulary, std::move(character), kNormal);
  const std::vector<std::string> special = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  if (static_cast<size_t>(size) < vocabulary.tokens.size() + special.size()) {
    return too_small(size, vocabulary.tokens.size() + special.size());
  }
  PieceMaker pieces(utf8(0x120), seed);  // U+0120 stands for the space
  while (vocabulary.tokens.size() + special.size() < static_cast<size_t>(size)) {
    const auto [left, right] = pieces.next();
    add(vocabulary, left + right, kNormal);
    vocabulary.merges.push_back(left + " " + right);
  }
  for (const std::string& token : special) add(vocabulary, token, kControl);
  vocabulary.eos = size - 1;
  vocabulary.bos = vocabulary.padding = size - 3;
  vocabulary.chat_template = kChatMl;
  return vocabulary;
}

}  // namespace

Result<RandomVocabulary> random_vocabulary(VocabularyKind kind, int size, uint64_t seed) {
  switch (kind) {
    case VocabularyKind::SentencePiece:
      return sentence_pieces(llama_start(), size, seed);
    case VocabularyKind::Gemma:
      return gemma_vocabulary(size, seed);
    case VocabularyKind::Phi:
      return phi_vocabulary(size, seed);
    case VocabularyKind::BytePairs:
      break;
  }
  return byte_pairs(size, seed);
}

}  // namespace verge::build
