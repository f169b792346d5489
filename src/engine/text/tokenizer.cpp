#include <algorithm>

#include <verge/engine/text/tokenizer.hpp>

namespace verge::text {
namespace {

SpecialTokens special_tokens(const Vocabulary& vocabulary, bool with_control) {
  std::vector<SpecialTokens::Entry> entries;
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const TokenType type = type_of(vocabulary, i);
    const bool control = type == TokenType::Control || type == TokenType::Unknown;
    if (type == TokenType::UserDefined || (control && with_control)) {
      const auto id = static_cast<int32_t>(i);
      const bool strips = std::ranges::count(vocabulary.strips_after, id) > 0;
      entries.push_back({vocabulary.tokens[i], id, strips});
    }
  }
  return SpecialTokens(entries);
}

std::string piece_of(const Vocabulary& vocabulary, const TextModel& model, size_t token) {
  const std::string& text = vocabulary.tokens[token];
  switch (type_of(vocabulary, token)) {
    case TokenType::Control:
    case TokenType::Unknown:
    case TokenType::UserDefined:
      return text;
    case TokenType::Byte:
      if (const int value = byte_token_value(text); value >= 0) {
        return std::string(1, static_cast<char>(value));
      }
      break;
    default:
      break;
  }
  return model.bytes_of(text);
}

Result<std::unique_ptr<TextModel>> make_model(const Vocabulary& vocabulary) {
  if (vocabulary.model == "gpt2") return make_byte_bpe(vocabulary);
  if (vocabulary.model == "gemma4") return make_character_bpe(vocabulary);
  return make_sentencepiece(vocabulary);
}

}  // namespace

Tokenizer::Tokenizer(Vocabulary vocabulary, std::unique_ptr<TextModel> model)
    : vocabulary_(std::move(vocabulary)),
      model_(std::move(model)),
      ends_(end_tokens(vocabulary_)),
      user_defined_(special_tokens(vocabulary_, false)),
      all_special_(special_tokens(vocabulary_, true)) {
  pieces_.reserve(vocabulary_.tokens.size());
  for (size_t i = 0; i < vocabulary_.tokens.size(); ++i) {
    pieces_.push_back(piece_of(vocabulary_, *model_, i));
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  VERGE_CHECK(text.size() <= INT32_MAX, text.size());
  std::vector<int32_t> tokens;
  if (options.add_special && *vocabulary_.add_bos) tokens.push_back(vocabulary_.bos);
  bool starts = true;
  const SpecialTokens& special = options.parse_special ? all_special_ : user_defined_;
  for (const Fragment& fragment : special.split(text)) {
    starts = starts || fragment.token >= 0;
    if (fragment.token >= 0) {
      tokens.push_back(fragment.token);
    } else {
      model_->encode(fragment.text, starts, tokens);
      starts = false;
    }
  }
  if (options.add_special && *vocabulary_.add_eos) tokens.push_back(vocabulary_.eos);
  return tokens;
}

std::string Tokenizer::decode(std::span<const int32_t> tokens, DecodeOptions options) const {
  std::string text;
  bool drop_space = options.starts_text && *vocabulary_.add_space_prefix;
  for (const int32_t token : tokens) {
    const bool special = is_special(token);
    if (special && !options.show_special) continue;
    std::string_view bytes = piece(token);
    if (drop_space && !special && bytes.starts_with(' ')) bytes.remove_prefix(1);
    drop_space = drop_space && special;
    text.append(bytes);
  }
  return text;
}

std::string_view Tokenizer::piece(int32_t token) const {
  if (token < 0 || token >= size()) return {};
  return pieces_[token];
}

bool Tokenizer::is_special(int32_t token) const {
  if (token < 0 || token >= size()) return false;
  const TokenType type = type_of(vocabulary_, token);
  return type == TokenType::Control || type == TokenType::Unknown;
}

bool Tokenizer::is_end(int32_t token) const {
  return std::binary_search(ends_.begin(), ends_.end(), token);
}

Result<std::unique_ptr<Tokenizer>> make_tokenizer(Vocabulary vocabulary) {
  VERGE_TRY(Vocabulary complete, checked(std::move(vocabulary)));
  VERGE_TRY(std::unique_ptr<TextModel> model, make_model(complete));
  return std::make_unique<Tokenizer>(std::move(complete), std::move(model));
}

}  // namespace verge::text
