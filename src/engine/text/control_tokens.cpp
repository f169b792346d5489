#include <algorithm>

#include <verge/engine/text/control_tokens.hpp>

namespace verge::text {

constexpr std::string_view kZeroWidthSpace = "\xE2\x80\x8B";

ControlTokens::ControlTokens(const Tokenizer& tokenizer) : begins_(256) {
  for (int32_t token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = tokenizer.piece(token);
    if (!tokenizer.is_special(token) || piece.size() < 2) continue;
    pieces_.emplace_back(piece);
    begins_[static_cast<uint8_t>(piece[0])] = true;
  }
}

std::string ControlTokens::harmless(std::string_view text) const {
  std::string safe;
  safe.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    safe += text[at];
    if (!begins_[static_cast<uint8_t>(text[at])]) continue;
    const std::string_view rest = text.substr(at);
    const auto is_here = [&](const std::string& piece) { return rest.starts_with(piece); };
    if (std::ranges::any_of(pieces_, is_here)) safe += kZeroWidthSpace;
  }
  return safe;
}

}  // namespace verge::text
