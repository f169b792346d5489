#include <algorithm>
#include <functional>
#include <optional>

#include <verge/engine/emit/c_bytes.hpp>
#include <verge/engine/emit/c_names.hpp>
#include <verge/engine/emit/c_text_models.hpp>
#include <verge/engine/emit/c_tokenizer.hpp>
#include <verge/engine/emit/program_parts.hpp>
#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/text_model.hpp>

namespace verge::emit {
namespace {

using text::TokenType;
using text::Vocabulary;

constexpr std::string_view kFind = R"(
static void *memory(long bytes) {
  void *made = malloc((size_t)bytes + 1);
  if (made == NULL) fail("no memory\n", "");
  return made;
}

/* The row of `list`, sorted by bytes, that has this text, or -1. */
static int32_t find_in(const int32_t *list, long count, const unsigned char *text, long size) {
  long low = 0, high = count;
  while (low < high) {
    const long middle = (low + high) / 2;
    const int32_t token = list[middle];
    const long own = token_start[token + 1] - token_start[token];
    const unsigned char *bytes = (const unsigned char *)token_text + token_start[token];
    const int order = memcmp(text, bytes, (size_t)(size < own ? size : own));
    if (order == 0 && size == own) return token;
    if (order < 0 || (order == 0 && size < own)) high = middle;
    else low = middle + 1;
  }
  return -1;
}

/* The token that ordinary text of these bytes is, or -1. */
static int32_t find_token(const unsigned char *text, long size) {
  const int32_t row = find_in(text_tokens, @text_tokens, text, size);
  return row < @tokens ? row : token_of_row[row - @tokens];
}
)";

constexpr std::string_view kEncode = R"(
/* Tokens that come from their text before all else: places[i] is the token that begins there, -2
   what belongs to one or is dropped behind it, -1 ordinary text. */
static void place_user_tokens(const unsigned char *text, long length, int32_t *places) {
  static const int32_t lengths[] = {@lengths0};
  for (long i = 0; i < length; ++i) places[i] = -1;
  for (int k = 0; lengths[k] > 0; ++k) {
    for (long at = 0; at + lengths[k] <= length;) {
      long free_bytes = 0;
      int32_t token;
      while (free_bytes < lengths[k] && places[at + free_bytes] == -1) ++free_bytes;
      if (free_bytes < lengths[k]) {
        at += free_bytes + 1;
        continue;
      }
      token = find_in(user_tokens, @user_tokens, text + at, lengths[k]);
      if (token < 0) {
        ++at;
        continue;
      }
      for (long i = 0; i < lengths[k]; ++i) places[at + i] = i == 0 ? token : -2;
      at += lengths[k];
      while (strips_after(token) && at < length && places[at] == -1 && text[at] != 0 &&
             strchr(" \t\n\v\f\r", text[at]) != NULL) {
        places[at++] = -2;
      }
    }
  }
}

static long encode(const unsigned char *text, long length, int32_t *out) {
  int32_t *places = memory(length * (long)sizeof *places);
  long made = 0;
  int starts = 1;
  if (@add_bos) out[made++] = @bos;
  place_user_tokens(text, length, places);
  for (long at = 0; at < length;) {
    long end = at;
    while (end < length && places[end] == -1) ++end;
    if (end > at) {
      made += encode_text(text + at, end - at, starts, out + made);
      starts = 0;
      at = end;
      continue;
    }
    if (places[at] >= 0) {
      out[made++] = places[at];
      starts = 1;
    }
    ++at;
  }
  if (@add_eos) out[made++] = @eos;
  free(places);
  return made;
}

static long piece_of(int32_t token, const unsigned char **text, int *has_marks) {
  unsigned char kind;
  *text = NULL;
  *has_marks = 0;
  if (token < 0 || token >= @tokens) return 0; /* a row that fills up the embedding */
  kind = ((const unsigned char *)token_kind)[token];
  *text = (const unsigned char *)token_text + token_start[token];
  *has_marks = kind == 'm';
  return kind == 'c' ? 0 : token_start[token + 1] - token_start[token];
}

/* Whether a text of so many bytes has more tokens than this for sure: soon said. */
static int exceeds(long length, long tokens) {
  return @longest > 0 && length > @longest * tokens;
}

static int is_end(int32_t token) {
  static const int32_t ends[] = {@ends-1};
  for (int i = 0; ends[i] >= 0; ++i) {
    if (ends[i] == token) return 1;
  }
  return 0;
}
)";

std::string listed(std::span<const int32_t> numbers, std::string_view otherwise) {
  CList list;
  for (const int32_t number : numbers) list.add(fmt::format("{}", number));
  if (numbers.empty()) list.add(otherwise);  // C has no array of nothing
  return "\n" + list.str();
}

// 'c': a control token, which shows nothing; 'm': U+2581 stands for spaces; 'b': bytes.
char kind_of(const text::Tokenizer& tokenizer, size_t token) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  if (tokenizer.is_special(static_cast<int32_t>(token))) return 'c';
  const TokenType type = text::type_of(vocabulary, token);
  const bool is_byte =
      type == TokenType::Byte && text::byte_token_value(vocabulary.tokens[token]) >= 0;
  if (type == TokenType::UserDefined || is_byte || vocabulary.model == "gpt2") return 'b';
  return 'm';
}

// What the program looks a token up by, and shows: of text with marks the token itself.
std::string text_of(const text::Tokenizer& tokenizer, size_t token, char kind) {
  if (kind == 'm') return tokenizer.vocabulary().tokens[token];
  return std::string(tokenizer.piece(static_cast<int32_t>(token)));
}

// Of rows of the same text the first.
void sort_by_text(std::vector<int32_t>& rows, const std::vector<std::string>& texts) {
  const auto text_of_row = [&](int32_t row) -> std::string_view { return texts[row]; };
  std::ranges::stable_sort(rows, {}, text_of_row);
  const auto is_same = [&](int32_t a, int32_t b) { return texts[a] == texts[b]; };
  rows.erase(std::unique(rows.begin(), rows.end(), is_same), rows.end());
}

struct Tables {
  std::vector<std::string> texts;  // of all tokens, then what else one of them is looked up by
  std::string kinds;
  std::vector<int32_t> text_tokens, user_tokens;  // rows of texts
  std::vector<int32_t> token_of_row;              // of those behind the tokens

  explicit Tables(const text::Tokenizer& tokenizer) {
    const Vocabulary& vocabulary = tokenizer.vocabulary();
    for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
      kinds += kind_of(tokenizer, i);
      texts.push_back(text_of(tokenizer, i, kinds.back()));
    }
    for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
      if (texts[i].empty()) continue;
      if (text::type_of(vocabulary, i) == TokenType::UserDefined) {
        user_tokens.push_back(static_cast<int32_t>(i));
      }
      if (text::comes_from_text(vocabulary, i)) add_text_token(vocabulary, i);
    }
    sort_by_text(text_tokens, texts);
    sort_by_text(user_tokens, texts);
  }

  // Text becomes it by its bytes, which a token of the user does not show.
  void add_text_token(const Vocabulary& vocabulary, size_t token) {
    const bool is_alphabet = vocabulary.model == "gpt2";  // others' characters stand for no bytes
    const auto bytes = is_alphabet ? text::from_byte_alphabet(vocabulary.tokens[token])
                                   : std::optional(texts[token]);
    if (!bytes) return;
    if (*bytes == texts[token]) return text_tokens.push_back(static_cast<int32_t>(token));
    text_tokens.push_back(static_cast<int32_t>(texts.size()));
    texts.push_back(*bytes);
    token_of_row.push_back(static_cast<int32_t>(token));
  }

  // Bytes of text that a token stands for at most; 0 if some text becomes no token at all.
  size_t longest(const Vocabulary& vocabulary) const {
    const bool is_alphabet = vocabulary.model == "gpt2";
    const auto bytes =
        is_alphabet ? text::byte_alphabet_tokens(vocabulary) : text::byte_fallback(vocabulary);
    const bool may_vanish = vocabulary.unk < 0 && std::ranges::count(bytes, -1) > 0;
    if (may_vanish || !vocabulary.strips_after.empty()) return 0;
    size_t most = 1;
    for (const std::string& text : texts) most = std::max(most, text.size());
    return most;
  }

  std::string lengths() const {  // of user tokens, the longest first
    std::vector<size_t> sizes;
    for (const int32_t token : user_tokens) sizes.push_back(texts[token].size());
    std::ranges::sort(sizes, std::greater{});
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    std::string text;
    for (const size_t size : sizes) text += fmt::format("{}, ", size);
    return text;
  }

  std::string code() const {
    std::string bytes;
    std::vector<int32_t> starts = {0};
    for (const std::string& text : texts) {
      bytes += text;
      starts.push_back(static_cast<int32_t>(bytes.size()));
    }
    const auto rows = [](std::string_view name, const std::string& of) {
      return fmt::format("static {} = {{\n{}}};\n",
                         c_bytes_declaration(name, static_cast<int64_t>(of.size())),
                         c_bytes_rows(std::as_bytes(std::span(of))));
    };
    return std::string(kRowsWithoutZero) +
           fmt::format(
               "\n/* The vocabulary: texts one behind the other, where each begins, and what it "
               "is: c, a\n"
               "   control token; m, text with U+2581 for spaces; b, bytes. */\n"
               "{}static const int32_t token_start[] = {{{}}};\n{}"
               "\n/* Tokens that text becomes, and those that come before all others, sorted by "
               "bytes. "
               "*/\n"
               "static const int32_t text_tokens[] = {{{}}};\n"
               "static const int32_t user_tokens[] = {{{}}};\n"
               "/* Of texts behind those of the tokens the token that text becomes by them. */\n"
               "static const int32_t token_of_row[] = {{{}}};\n",
               rows("token_text", bytes), listed(starts, "0"), rows("token_kind", kinds),
               listed(text_tokens, "0"), listed(user_tokens, "0"), listed(token_of_row, "0"));
  }
};

std::string stripping(const Vocabulary& vocabulary) {
  std::string text = "\nstatic int strips_after(int32_t token) {\n";
  if (vocabulary.strips_after.empty()) return text + "  (void)token;\n  return 0;\n}\n";
  std::string tests;
  for (const int32_t token : vocabulary.strips_after) {
    tests += fmt::format("{}token == {}", tests.empty() ? "" : " ||\n         ", token);
  }
  return text + "  return " + tests + ";\n}\n";
}

}  // namespace

Result<std::string> c_tokenizer(const text::Tokenizer& tokenizer) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  VERGE_TRY(const std::string model, c_text_model(vocabulary));
  const Tables tables(tokenizer);
  std::string ends;
  for (const int32_t token : text::end_tokens(vocabulary)) ends += fmt::format("{}, ", token);
  const auto filled = [&](std::string_view code) {
    return with_parts(std::string(code),
                      {{"@tokens", fmt::format("{}", vocabulary.tokens.size())},
                       {"@longest", fmt::format("{}", tables.longest(vocabulary))},
                       {"@text_tokens", fmt::format("{}", tables.text_tokens.size())},
                       {"@user_tokens", fmt::format("{}", tables.user_tokens.size())},
                       {"@lengths", tables.lengths()},
                       {"@ends", ends},
                       {"@add_bos", *vocabulary.add_bos ? "1" : "0"},
                       {"@bos", fmt::format("{}", vocabulary.bos)},
                       {"@add_eos", *vocabulary.add_eos ? "1" : "0"},
                       {"@eos", fmt::format("{}", vocabulary.eos)}});
  };
  return tables.code() + filled(kFind) + model + stripping(vocabulary) + filled(kEncode);
}

}  // namespace verge::emit
