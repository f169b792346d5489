#pragma once
// UTF-8 to code points and back, for text that may be anything. Stateless functions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace verge::text {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kMaxCodePoint = 0x10FFFF;

/// How many bytes the sequence that starts with `first` claims to have; 1 for a stray byte.
size_t utf8_length(uint8_t first);

/// One code point of `text` at `offset`, which moves behind it. Surrogates and overlong forms are
/// taken as they are; any other invalid byte is U+FFFD and moves by one. That is what tokenizers in
/// use do (llama.cpp, unicode.cpp), so that ids agree on broken text as well.
char32_t next_code_point(std::string_view text, size_t& offset);

/// All code points of `text`, as next_code_point() reads them.
std::vector<char32_t> code_points(std::string_view text);

/// Appends `code_point` (at most kMaxCodePoint, surrogates included) in its shortest form.
void append_utf8(std::string& out, char32_t code_point);

/// `text` as Unicode requires it: every maximal invalid part becomes one U+FFFD (Unicode 15, 3.9,
/// "substitution of maximal subparts").
std::string repaired_utf8(std::string_view text);

/// Bytes at the end of `text` that begin a valid character but do not finish it: 0 to 3.
size_t unfinished_bytes(std::string_view text);

}  // namespace verge::text
