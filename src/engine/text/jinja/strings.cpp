#include <algorithm>

#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

size_t expected_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  return lead >= 0xF0 && lead < 0xF5 ? 4 : 1;
}

size_t character_length(std::string_view text) {
  const size_t expected = expected_length(static_cast<unsigned char>(text[0]));
  if (expected > text.size()) return 1;
  for (size_t i = 1; i < expected; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 1;
  }
  return expected;
}

uint32_t code_point(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (character.size()) {
    case 2:
      return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
    case 3:
      return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    case 4:
      return 0x10000;  // nothing above the basic plane is told apart here
    default:
      return byte(0);
  }
}

// Where upper and lower case lie a fixed distance apart: {first lower, last lower, distance}.
// Unicode 15, UnicodeData.txt; the division sign (00F7) stands between and has no case.
struct CaseRange {
  uint32_t first, last, distance;
};
constexpr CaseRange kCases[] = {{'a', 'z', 32},     {0xE0, 0xF6, 32},   {0xF8, 0xFE, 32},
                                {0x3B1, 0x3C1, 32}, {0x3C3, 0x3C9, 32}, {0x430, 0x44F, 32},
                                {0x450, 0x45F, 80}};

constexpr uint32_t kSharpS = 0xDF;

std::string encode(uint32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

enum class Case { Upper, Lower };

// The ranges above hold one-byte and two-byte characters only.
bool may_have_case(std::string_view character, uint32_t code) {
  return character.size() == 2 || (character.size() == 1 && code < 0x80);
}

bool has_case(std::string_view character) {
  const uint32_t code = code_point(character);
  if (!may_have_case(character, code)) return false;
  if (code == kSharpS) return true;
  return std::any_of(std::begin(kCases), std::end(kCases), [&](const CaseRange& range) {
    return (code >= range.first && code <= range.last) ||
           (code >= range.first - range.distance && code <= range.last - range.distance);
  });
}

void append_in_case(std::string& out, std::string_view character, Case wanted) {
  const uint32_t code = code_point(character);
  if (!may_have_case(character, code)) {
    out += character;
    return;
  }
  if (code == kSharpS && wanted == Case::Upper) {
    out += "SS";
    return;
  }
  for (const CaseRange& range : kCases) {
    const uint32_t shift = wanted == Case::Lower ? range.distance : 0;
    if (code + shift < range.first || code + shift > range.last) continue;
    out += encode(wanted == Case::Lower ? code + shift : code - range.distance);
    return;
  }
  out += character;
}

std::string in_case(std::string_view text, Case wanted) {
  std::string out;
  for (std::string_view character : characters(text)) append_in_case(out, character, wanted);
  return out;
}

template <typename Predicate>
std::string_view strip_if(std::string_view text, Side side, Predicate stripped) {
  const std::vector<std::string_view> all = characters(text);
  size_t begin = 0, end = all.size();
  if (side != Side::Right) {
    while (begin < end && stripped(all[begin])) ++begin;
  }
  if (side != Side::Left) {
    while (end > begin && stripped(all[end - 1])) --end;
  }
  if (begin == end) return text.substr(0, 0);
  const char* first = all[begin].data();
  return {first, static_cast<size_t>(all[end - 1].data() + all[end - 1].size() - first)};
}

}  // namespace

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  out.reserve(text.size());
  while (!text.empty()) {
    out.push_back(text.substr(0, character_length(text)));
    text.remove_prefix(out.back().size());
  }
  return out;
}

size_t length(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(character_length(text));
  return count;
}

bool is_space(std::string_view character) {
  const uint32_t code = code_point(character);
  if (character.size() == 1) return (code >= 9 && code <= 13) || (code >= 28 && code <= 32);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

std::string_view strip(std::string_view text, Side side) {
  return strip_if(text, side, is_space);
}

std::string_view strip(std::string_view text, std::string_view set, Side side) {
  const std::vector<std::string_view> members = characters(set);
  return strip_if(text, side, [&](std::string_view character) {
    return std::find(members.begin(), members.end(), character) != members.end();
  });
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator,
                                    int64_t limit) {
  std::vector<std::string_view> parts;
  for (size_t found; limit != 0 && (found = text.find(separator)) != text.npos; --limit) {
    parts.push_back(text.substr(0, found));
    text.remove_prefix(found + separator.size());
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> rsplit(std::string_view text, std::string_view separator,
                                     int64_t limit) {
  std::vector<std::string_view> parts;
  for (size_t found; limit != 0 && (found = text.rfind(separator)) != text.npos; --limit) {
    parts.push_back(text.substr(found + separator.size()));
    text = text.substr(0, found);
  }
  parts.push_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> split_words(std::string_view text, int64_t limit) {
  std::vector<std::string_view> words;
  text = strip(text, Side::Left);
  while (!text.empty()) {
    size_t end = 0;
    if (limit == 0) {
      words.push_back(text);
      break;
    }
    while (end < text.size() && !is_space(text.substr(end, character_length(text.substr(end))))) {
      end += character_length(text.substr(end));
    }
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
    while (!text.empty() && is_space(text.substr(0, character_length(text)))) {
      text.remove_prefix(character_length(text));
    }
    --limit;
  }
  return words;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\n\r\v\f"), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with("\r\n") ? 2 : !text.empty());
  }
  return lines;
}

std::string upper(std::string_view text) {
  return in_case(text, Case::Upper);
}

std::string lower(std::string_view text) {
  return in_case(text, Case::Lower);
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  const size_t first = character_length(text);
  return upper(text.substr(0, first)) + lower(text.substr(first));
}

std::string title(std::string_view text) {
  std::string out;
  bool in_word = false;
  for (std::string_view character : characters(text)) {
    append_in_case(out, character, in_word ? Case::Lower : Case::Upper);
    in_word = has_case(character);
  }
  return out;
}

std::string replace(std::string_view text, std::string_view old_text, std::string_view new_text,
                    int64_t limit) {
  std::string out;
  if (old_text.empty()) {
    for (std::string_view character : characters(text)) {
      if (limit != 0) out += new_text, --limit;
      out += character;
    }
    return limit != 0 ? out.append(new_text) : out;
  }
  const std::vector<std::string_view> parts = split(text, old_text, limit);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += new_text;
    out += parts[i];
  }
  return out;
}

size_t replaced_size(std::string_view text, std::string_view old_text, std::string_view new_text) {
  const size_t found = count(text, old_text);
  return text.size() - found * old_text.size() + found * new_text.size();
}

size_t count(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return length(text) + 1;
  size_t found = 0;
  for (size_t at = 0; (at = text.find(wanted, at)) != text.npos; at += wanted.size()) ++found;
  return found;
}

}  // namespace verge::text::jinja
