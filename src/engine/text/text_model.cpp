#include <charconv>

#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/text_model.hpp>

namespace verge::text {
namespace {

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

// Whether a space may stand within this token, after something else than a space.
bool spans_words(std::string_view token) {
  while (token.starts_with(kSpaceMark)) token.remove_prefix(kSpaceMark.size());
  return token.find(kSpaceMark) != std::string_view::npos;
}

}  // namespace

bool comes_from_text(const Vocabulary& vocabulary, size_t token) {
  const auto type = static_cast<TokenType>(vocabulary.types[token]);
  return !vocabulary.tokens[token].empty() && type != TokenType::Control &&
         type != TokenType::Unknown && type != TokenType::Byte;
}

int byte_token_value(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token.back() != '>') return -1;
  unsigned value = 0;
  const char* end = token.data() + 5;
  const auto [stop, error] = std::from_chars(token.data() + 3, end, value, 16);
  return error == std::errc() && stop == end ? static_cast<int>(value) : -1;
}

std::vector<int32_t> byte_fallback(const Vocabulary& vocabulary) {
  std::vector<int32_t> ids(256, vocabulary.unk);
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const std::string& token = vocabulary.tokens[i];
    if (token.size() == 1) ids[static_cast<uint8_t>(token[0])] = static_cast<int32_t>(i);
  }
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const int value = byte_token_value(vocabulary.tokens[i]);
    if (value >= 0) ids[value] = static_cast<int32_t>(i);
  }
  return ids;
}

std::vector<int32_t> byte_alphabet_tokens(const Vocabulary& vocabulary) {
  std::vector<int32_t> ids(256, -1);
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    if (!comes_from_text(vocabulary, i)) continue;
    const auto bytes = from_byte_alphabet(vocabulary.tokens[i]);
    if (bytes && bytes->size() == 1) {
      ids[static_cast<uint8_t>(bytes->front())] = static_cast<int32_t>(i);
    }
  }
  return ids;
}

std::string with_space_marks(std::string_view text) {
  return replaced(text, " ", kSpaceMark);
}

bool words_are_apart(const Vocabulary& vocabulary) {
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    if (comes_from_text(vocabulary, i) && spans_words(vocabulary.tokens[i])) return false;
  }
  return true;
}

std::string without_space_marks(std::string_view text) {
  return replaced(text, kSpaceMark, " ");
}

}  // namespace verge::text
