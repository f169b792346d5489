#include <algorithm>
#include <numeric>
#include <optional>

#include <verge/engine/emit/c_names.hpp>
#include <verge/engine/emit/c_words.hpp>
#include <verge/engine/emit/program_parts.hpp>
#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::emit {
namespace {

constexpr std::string_view kClass = R"(
enum character_class { OTHER, LETTER, NUMBER, SPACE };

/* What a character is by Unicode: each entry is where a class begins, times 4, and the class. */
static int class_of(uint32_t c) {
  long low = 0, high = (long)(sizeof classes / sizeof classes[0]);
  while (high - low > 1) {
    const long middle = (low + high) / 2;
    if (classes[middle] / 4 <= c) low = middle;
    else high = middle;
  }
  return (int)(classes[low] % 4);
}

/* The end of the characters of a class from `at` on, at most `most` of them. */
static long run_end(const uint32_t *c, long at, long end, int kind, long most) {
  const long last = end - at > most ? at + most : end;
  while (at < last && class_of(c[at]) == kind) ++at;
  return at;
}

/* The end of 's, 't, 're, 've, 'm, 'll or 'd at `at`, or `at`. */
static long contraction_end(const uint32_t *c, long at, long end, int has_capitals) {
  static const char *const tails[] = {"s", "t", "re", "ve", "m", "ll", "d"};
  if (c[at] != '\'') return at;
  for (int i = 0; i < 7; ++i) {
    long to = at + 1;
    const char *tail = tails[i];
    for (; *tail != 0 && to < end; ++tail, ++to) {
      const uint32_t capital = (uint32_t)*tail - 'a' + 'A';
      if (c[to] != (uint32_t)*tail && !(has_capitals && c[to] == capital)) break;
    }
    if (*tail == 0) return to;
  }
  return at;
}

/* White space before a word leaves it the last one. */
static long space_end(const uint32_t *c, long at, long end) {
  const long to = run_end(c, at, end, SPACE, end);
  return to < end && to - at > 1 ? to - 1 : to;
}
)";

constexpr std::string_view kGpt2Words = R"(
static long one_word_end(const uint32_t *c, long at, long end) {
  const long short_end = contraction_end(c, at, end, 0);
  const long first = c[at] == ' ' && at + 1 < end ? at + 1 : at;
  const int kind = class_of(c[first]);
  if (short_end > at) return short_end;
  return kind == SPACE ? space_end(c, at, end) : run_end(c, first, end, kind, end);
}
)";

constexpr std::string_view kLlama3Words = R"(
static int is_line_end(uint32_t c) {
  return c == '\r' || c == '\n';
}

static long one_word_end(const uint32_t *c, long at, long end) {
  const int kind = class_of(c[at]);
  const int is_before_letter = at + 1 < end && class_of(c[at + 1]) == LETTER;
  const long short_end = contraction_end(c, at, end, 1);
  long first = at, to;
  if (short_end > at) return short_end;
  if (kind == LETTER) return run_end(c, at, end, LETTER, end);
  if (is_before_letter && kind != NUMBER && !is_line_end(c[at])) {
    return run_end(c, at + 1, end, LETTER, end);
  }
  if (kind == NUMBER) return run_end(c, at, end, NUMBER, @digits);
  if (c[at] == ' ' && at + 1 < end && class_of(c[at + 1]) == OTHER) first = at + 1;
  if (class_of(c[first]) == OTHER) {
    to = run_end(c, first, end, OTHER, end);
    while (to < end && is_line_end(c[to])) ++to;
    return to;
  }
  to = run_end(c, at, end, SPACE, end);
  while (to > at && !is_line_end(c[to - 1])) --to;
  return to > at ? to : space_end(c, at, end);
}
)";

constexpr std::string_view kWhole = R"(
static long word_end(const uint32_t *c, long at, long end) {
  return one_word_end(c, at, end);
}
)";

constexpr std::string_view kDigitsApart = R"(
/* Each digit is a word, and no other reaches beyond one. */
static long word_end(const uint32_t *c, long at, long end) {
  long to = at;
  while (to < end && class_of(c[to]) != NUMBER) ++to;
  return to == at ? at + 1 : one_word_end(c, at, to);
}
)";

struct WordStyle {
  std::string_view code;
  std::string_view digits;  // at most, of one word
  std::string_view split;
};

std::optional<WordStyle> style_of(const text::PreTokenizerSpec& spec) {
  constexpr std::pair<std::string_view, WordStyle> kStyles[] = {
      {"gpt-2", {kGpt2Words, "", kWhole}},
      {"smollm", {kGpt2Words, "", kDigitsApart}},
      {"llama-bpe", {kLlama3Words, "3", kWhole}},
      {"qwen2", {kLlama3Words, "1", kWhole}}};
  for (const auto& [name, style] : kStyles) {
    const auto known = text::find_pretokenizer(name);
    if (known && (*known)->patterns == spec.patterns) return style;
  }
  return std::nullopt;
}

enum ClassOf : uint8_t { kOther, kLetter, kNumber, kSpace };

// What the expressions' own engine takes each character for.
std::string class_table() {
  std::vector<char32_t> all(text::kMaxCodePoint + 1);
  std::iota(all.begin(), all.end(), char32_t{0});
  std::vector<uint8_t> classes(all.size(), kOther);
  const auto mark = [&](std::string_view pattern, ClassOf kind, char32_t one) {
    const text::PreTokenizer splitter(text::PreTokenizerSpec{{}, {pattern}});
    bool is_match = false;  // U+0000 is of no class, then matches and gaps take turns
    uint32_t first = 0;
    for (const uint32_t last : splitter.split(all)) {
      if (is_match) std::fill(classes.begin() + first, classes.begin() + last, kind);
      is_match = !is_match;
      first = last;
    }
    VERGE_CHECK(classes[one] == kind, pattern);
  };
  mark("\\p{L}+", kLetter, 'a');
  mark("\\p{N}+", kNumber, '0');
  mark("\\s+", kSpace, ' ');
  CList list;
  for (size_t i = 0; i < classes.size(); ++i) {
    if (i == 0 || classes[i] != classes[i - 1]) list.add(fmt::format("{}", i * 4 + classes[i]));
  }
  return "\nstatic const uint32_t classes[] = {\n" + list.str() + "};\n";
}

}  // namespace

Result<std::string> c_words(const std::string& pre) {
  VERGE_TRY(const text::PreTokenizerSpec* spec, text::find_pretokenizer(pre));
  const auto style = style_of(*spec);
  if (!style) {
    return make_error(Code::Unsupported,
                      "the tokenizer cuts words as \"{}\" does, which has no C; gpt-2, llama-bpe, "
                      "qwen2, smollm and their like have: take --emit c, which reads and writes "
                      "tokens",
                      pre);
  }
  return fmt::format("{}{}{}{}", class_table(), kClass,
                     with_parts(std::string(style->code), {{"@digits", style->digits}}),
                     style->split);
}

}  // namespace verge::emit
