#include <algorithm>

#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

/// The range of the second byte that keeps a sequence valid (Unicode 15, table 3-7).
struct SecondByte {
  uint8_t low;
  uint8_t high;
};

SecondByte second_byte(uint8_t first) {
  switch (first) {
    case 0xE0:
      return {0xA0, 0xBF};  // no overlong forms
    case 0xED:
      return {0x80, 0x9F};  // no surrogates
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};  // nothing above U+10FFFF
    default:
      return {0x80, 0xBF};
  }
}

struct Prefix {
  size_t bytes;   // of the longest valid beginning; at least 1
  bool complete;  // a whole character
};

/// The character at the start of a non-empty text, or as much of one as is valid.
Prefix valid_prefix(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const size_t length = utf8_length(first);
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false};
    const auto byte = static_cast<uint8_t>(text[i]);
    const SecondByte range = i == 1 ? second_byte(first) : SecondByte{0x80, 0xBF};
    if (byte < range.low || byte > range.high) return {i, false};
  }
  return {length, true};
}

}  // namespace

size_t utf8_length(uint8_t first) {
  if (first < 0xC0) return 1;
  if (first < 0xE0) return 2;
  return first < 0xF0 ? 3 : 4;
}

char32_t next_code_point(std::string_view text, size_t& offset) {
  const auto first = static_cast<uint8_t>(text[offset]);
  if (first < 0x80) return text[offset++];
  const size_t length = utf8_length(first);
  if (length == 1 || first > 0xF7 || length > text.size() - offset) return ++offset, kReplacement;
  char32_t code_point = first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[offset + i]);
    if (!is_continuation(byte)) return ++offset, kReplacement;
    code_point = code_point << 6 | (byte & 0x3F);
  }
  if (code_point > kMaxCodePoint) return ++offset, kReplacement;
  offset += length;
  return code_point;
}

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> all;
  all.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) all.push_back(next_code_point(text, offset));
  return all;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | (code_point >> shift & 0x3F)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string repaired_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Prefix prefix = valid_prefix(text);
    if (prefix.complete) {
      out.append(text.substr(0, prefix.bytes));
    } else {
      append_utf8(out, kReplacement);
    }
    text.remove_prefix(prefix.bytes);
  }
  return out;
}

size_t unfinished_bytes(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    const auto first = static_cast<uint8_t>(tail[0]);
    if (is_continuation(first)) continue;
    if (first < 0xC2 || first > 0xF4) return 0;
    const Prefix prefix = valid_prefix(tail);
    return !prefix.complete && prefix.bytes == back ? back : 0;
  }
  return 0;
}

}  // namespace verge::text
