#pragma once
// The alphabet of byte-level BPE: every byte has a visible character, so that vocabularies are
// text (Radford et al. 2019, GPT-2). Printable Latin-1 stands for itself; the other 68 bytes, in
// order, are U+0100 and up: a space is U+0120.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace verge::text {

/// The character that stands for `byte`.
char32_t byte_to_character(uint8_t byte);

/// `bytes` written in the alphabet, as UTF-8.
std::string to_byte_alphabet(std::string_view bytes);

/// The bytes of `text`; nothing if a character is not in the alphabet.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace verge::text
