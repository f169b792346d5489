// BPE by rank on characters, for SentencePiece models that were published as merges: spaces are
// U+2581, lines are the only words, and characters without a token become bytes (Gemma 4).

#include <unordered_map>

#include <verge/engine/text/bpe_merges.hpp>
#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

class CharacterBpe final : public TextModel {
 public:
  CharacterBpe(const Vocabulary& vocabulary, BpeMerges merges)
      : merges_(std::move(merges)), bytes_(byte_fallback(vocabulary)) {
    for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
      const std::string& token = vocabulary.tokens[i];
      if (!comes_from_text(vocabulary, i)) continue;
      const bool is_newlines = token.find_first_not_of('\n') == std::string::npos;
      const bool is_character = utf8_length(static_cast<uint8_t>(token[0])) >= token.size();
      if (is_newlines || is_character) tokens_.emplace(token, static_cast<int32_t>(i));
    }
  }

  void encode(std::string_view text, bool, std::vector<int32_t>& out) const override {
    std::string marked;
    for (const char32_t c : code_points(with_space_marks(text))) append_utf8(marked, c);
    std::string_view rest = marked;
    while (!rest.empty()) {
      const bool newlines = rest.front() == '\n';
      const size_t end = newlines ? rest.find_first_not_of('\n') : rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      const auto whole = newlines ? tokens_.find(std::string(line)) : tokens_.end();
      if (whole != tokens_.end()) {
        out.push_back(whole->second);
      } else {
        encode_line(line, out);
      }
      rest.remove_prefix(line.size());
    }
  }

  std::string bytes_of(std::string_view token) const override { return without_space_marks(token); }

 private:
  void encode_line(std::string_view line, std::vector<int32_t>& out) const {
    std::vector<int32_t> run;
    const auto finish_run = [&] {
      merges_.apply(run);
      out.insert(out.end(), run.begin(), run.end());
      run.clear();
    };
    std::string character;
    for (size_t offset = 0; offset < line.size(); offset += character.size()) {
      character = line.substr(offset, utf8_length(static_cast<uint8_t>(line[offset])));
      const auto token = tokens_.find(character);
      if (token != tokens_.end()) {
        run.push_back(token->second);
        continue;
      }
      finish_run();
      for (const char byte : character) {
        const int32_t id = bytes_[static_cast<uint8_t>(byte)];
        if (id >= 0) out.push_back(id);
      }
    }
    finish_run();
  }

  BpeMerges merges_;
  std::unordered_map<std::string, int32_t> tokens_;  // characters, and runs of newlines
  std::vector<int32_t> bytes_;
};

}  // namespace

Result<std::unique_ptr<TextModel>> make_character_bpe(const Vocabulary& vocabulary) {
  VERGE_TRY(BpeMerges merges, BpeMerges::make(vocabulary));
  return std::unique_ptr<TextModel>(std::make_unique<CharacterBpe>(vocabulary, std::move(merges)));
}

}  // namespace verge::text
