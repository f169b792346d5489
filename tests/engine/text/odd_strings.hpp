#pragma once
// Strings that tokenizers disagree on, always the same ones: contractions, scripts, emoji with
// joiners, all white space of Unicode, combining marks, numbers, special tokens, broken UTF-8,
// runs.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {

class OddStrings {
 public:
  explicit OddStrings(uint64_t seed) : rng_(seed) {}

  std::string next() {
    static constexpr std::array<uint32_t, 8> kParts = {1, 2, 2, 3, 4, 6, 10, 25};
    std::string text;
    for (uint32_t parts = pick(kParts); parts > 0; --parts) append_part(text);
    return text;
  }

 private:
  template <typename T, size_t N>
  T pick(const std::array<T, N>& choices) {
    return choices[rng_.below(N)];
  }

  void append_part(std::string& text) {
    switch (rng_.below(12)) {
      case 0:
      case 1:
      case 2:
        text += pick(kWords);
        break;
      case 3:
      case 4:
        text += pick(kSpaces);
        break;
      case 5:
        text += pick(kClusters);
        break;
      case 6:
        append_symbols(text);
        break;
      case 7:
        append_utf8(text, random_character());
        break;
      case 8:
        text += pick(kBroken);
        break;
      case 9:
        text += std::to_string(rng_.next() >> rng_.below(32));
        break;
      case 10:
        text += pick(kSpecial);
        break;
      default:
        append_run(text);
        break;
    }
  }

  // Drawn one after the other: compilers evaluate arguments in orders of their own.
  void append_symbols(std::string& text) {
    const auto symbol = static_cast<char>('!' + rng_.below(15));
    text.append(1 + rng_.below(4), symbol);
  }

  void append_run(std::string& text) {
    const std::string_view unit = pick(kUnits);
    for (uint32_t count = 1 + rng_.below(40); count > 0; --count) text += unit;
  }

  char32_t random_character() {
    const char32_t limits[] = {0x250, 0x3000, 0xD800, 0x20000, kMaxCodePoint + 1};
    const char32_t c = rng_.below(limits[rng_.below(5)]);
    return c >= 0xD800 && c < 0xE000 ? U'\uD7A3' : c;
  }

  static constexpr std::array<std::string_view, 48> kWords = {"I",
                                                              "The",
                                                              " the",
                                                              "don't",
                                                              "DON'T",
                                                              "we'll",
                                                              "WE'Ll",
                                                              "it's",
                                                              "I've",
                                                              "you're",
                                                              "he'd",
                                                              "'S",
                                                              "'\u017F",
                                                              "na\u00EFve",
                                                              "caf\u00E9",
                                                              "Stra\u00DFe",
                                                              "\uFB01ne",
                                                              "\u01C5",
                                                              "北京",
                                                              "東京タワー",
                                                              "こんにちは",
                                                              "안녕하세요",
                                                              "สวัสดี",
                                                              "مرحبا",
                                                              "नमस्ते",
                                                              "שלום",
                                                              "Привет",
                                                              "ᏣᎳᎩ",
                                                              "\u2177",
                                                              "\u00BD",
                                                              "٣٤٥",
                                                              "१२३",
                                                              "3.14",
                                                              "1,000",
                                                              "x=1;",
                                                              "f(x)",
                                                              "camelCase",
                                                              "HTTPServer's",
                                                              "snake_case",
                                                              "\u212A",
                                                              "\u0130",
                                                              "\u0131",
                                                              "http://a.b/c?d=e",
                                                              "//",
                                                              "/* */",
                                                              "\U00031350",
                                                              "\U0001D400",
                                                              " Hello"};
  static constexpr std::array<std::string_view, 28> kSpaces = {
      " ",      "  ",     "   ",    "\n",     "\r\n",   "\r",     "\t",
      "\n\n",   "\t\t",   " \n",    "\v",     "\f",     "\x1C",   "\x1F",
      "\u0085", "\u00A0", "\u1680", "\u180E", "\u2003", "\u2007", "\u200B",
      "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", "\uFEFF", " \r\n "};
  static constexpr std::array<std::string_view, 14> kClusters = {"😀",
                                                                 "👨\u200D👩\u200D👧\u200D👦",
                                                                 "🏳\uFE0F\u200D🌈",
                                                                 "👍🏽",
                                                                 "🇩🇪",
                                                                 "❤\uFE0F",
                                                                 "\u200D",
                                                                 "e\u0301",
                                                                 "\u0301",
                                                                 "a\u0308\u0323",
                                                                 "ำ",
                                                                 "\u20DD",
                                                                 "क्ष",
                                                                 "\u0F71"};
  static constexpr std::array<std::string_view, 13> kBroken = {
      "\xFF",         "\xC0\x80",
      "\xED\xA0\x80", "\xED\xB0\x80",
      "\xE2\x82",     "\xF0\x9F\x98",
      "\x80",         "\xBF\xBF",
      "\xC3",         "\xF8\x88\x80\x80\x80",
      "\xE0\x80\xAF", "\xF0\x80\x80\x80",
      "\xFE"};
  static constexpr std::array<std::string_view, 10> kSpecial = {
      "<|im_start|>", "<|im_end|>", "<tool>", "<s>", "</s>",
      "<unk>",        "<0x0A>",     "<|im_",  "|>",  "\u2581"};
  static constexpr std::array<std::string_view, 13> kUnits = {
      "a", "A", " ", "\n", "\t", "1", "!", "é", "中", "あ", "😀", "e\u0301", "ab"};

  Rng rng_;
};

}  // namespace verge::text
