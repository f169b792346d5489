// Byte-level BPE (Radford et al. 2019, GPT-2): text is cut into words, words into bytes, and bytes
// are merged by rank.

#include <unordered_map>

#include <verge/engine/text/bpe_merges.hpp>
#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

struct BytesHash {
  using is_transparent = void;
  size_t operator()(std::string_view bytes) const { return std::hash<std::string_view>{}(bytes); }
};
using WordMap = std::unordered_map<std::string, int32_t, BytesHash, std::equal_to<>>;

class ByteBpe final : public TextModel {
 public:
  ByteBpe(const Vocabulary& vocabulary, const PreTokenizerSpec& spec, BpeMerges merges)
      : splitter_(spec),
        merges_(std::move(merges)),
        byte_tokens_(byte_alphabet_tokens(vocabulary)),
        unk_(vocabulary.unk) {
    if (!*vocabulary.ignore_merges) return;
    for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
      if (!comes_from_text(vocabulary, i)) continue;
      const auto bytes = from_byte_alphabet(vocabulary.tokens[i]);
      if (bytes) whole_words_.emplace(*bytes, static_cast<int32_t>(i));
    }
  }

  void encode(std::string_view text, bool, std::vector<int32_t>& out) const override {
    const std::vector<char32_t> characters = code_points(text);
    std::string word;
    std::vector<int32_t> tokens;
    size_t first = 0;
    for (const uint32_t last : splitter_.split(characters)) {
      word.clear();
      for (; first < last; ++first) append_utf8(word, characters[first]);
      encode_word(word, tokens, out);
    }
  }

  std::string bytes_of(std::string_view token) const override {
    return from_byte_alphabet(token).value_or(std::string(token));
  }

 private:
  void encode_word(std::string_view word, std::vector<int32_t>& tokens,
                   std::vector<int32_t>& out) const {
    if (!whole_words_.empty()) {
      const auto whole = whole_words_.find(word);
      if (whole != whole_words_.end()) return out.push_back(whole->second);
    }
    tokens.clear();
    for (const char byte : word) tokens.push_back(byte_tokens_[static_cast<uint8_t>(byte)]);
    merges_.apply(tokens);
    for (const int32_t token : tokens) {
      if (token >= 0) {
        out.push_back(token);
      } else if (unk_ >= 0) {
        out.push_back(unk_);
      }
    }
  }

  PreTokenizer splitter_;
  BpeMerges merges_;
  WordMap whole_words_;               // only if a whole word needs no merges
  std::vector<int32_t> byte_tokens_;  // -1: the vocabulary lacks this byte
  int32_t unk_;
};

}  // namespace

Result<std::unique_ptr<TextModel>> make_byte_bpe(const Vocabulary& vocabulary) {
  VERGE_TRY(const PreTokenizerSpec* spec, find_pretokenizer(vocabulary.pre));
  VERGE_TRY(BpeMerges merges, BpeMerges::make(vocabulary));
  return std::unique_ptr<TextModel>(
      std::make_unique<ByteBpe>(vocabulary, *spec, std::move(merges)));
}

}  // namespace verge::text
