#include <algorithm>

#include <verge/engine/emit/c_names.hpp>
#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/c_text_models.hpp>
#include <verge/engine/emit/c_words.hpp>
#include <verge/engine/emit/program_parts.hpp>
#include <verge/engine/text/bpe_merges.hpp>
#include <verge/engine/text/text_model.hpp>

namespace verge::emit {
namespace {

using text::Vocabulary;

constexpr std::string_view kSentencePiece = R"(
/* A part of the text; `joined` is the token of it and the next one together, or -1. */
struct piece {
  long begin, size, previous, next;
  int32_t joined;
};

static void join(const unsigned char *text, struct piece *pieces, long at) {
  struct piece *left;
  if (at < 0) return;
  left = pieces + at;
  left->joined = -1;
  if (left->next < 0) return;
  left->joined = find_token(text + left->begin, left->size + pieces[left->next].size);
}

/* Of the pieces from `first` on, of all neighbours that are a token together those of the highest
   score, the first among equals; what is no token then becomes its bytes. */
static long merge_pieces(const unsigned char *text, struct piece *pieces, long first, int32_t *out) {
  long made = 0;
  for (long i = first; i >= 0; i = pieces[i].next) join(text, pieces, i);
  for (;;) {
    long best = -1;
    for (long i = first; i >= 0; i = pieces[i].next) {
      const int32_t token = pieces[i].joined;
      if (token >= 0 && (best < 0 || scores[token] > scores[pieces[best].joined])) best = i;
    }
    if (best < 0) break;
    pieces[best].size += pieces[pieces[best].next].size;
    pieces[best].next = pieces[pieces[best].next].next;
    if (pieces[best].next >= 0) pieces[pieces[best].next].previous = best;
    join(text, pieces, pieces[best].previous);
    join(text, pieces, best);
  }
  for (long i = first; i >= 0; i = pieces[i].next) {
    const unsigned char *bytes = text + pieces[i].begin;
    const int32_t token = find_token(bytes, pieces[i].size);
    if (token >= 0) out[made++] = token;
    for (long j = 0; token < 0 && j < pieces[i].size; ++j) {
      if (byte_tokens[bytes[j]] >= 0) out[made++] = byte_tokens[bytes[j]];
    }
  }
  return made;
}

static int is_mark(const unsigned char *text, long size) {
  return size == 3 && memcmp(text, "\342\226\201", 3) == 0;
}

/* A space is U+2581. If no token holds one behind something else, each word is merged alone. */
static long encode_text(const unsigned char *text, long length, int starts, int32_t *out) {
  unsigned char *marked = memory(3 * length + 4);
  struct piece *pieces = memory((3 * length + 4) * (long)sizeof *pieces);
  long size = 0, count = 0, made = 0, first = 0;
  int after_mark = 1;
  for (long i = starts && @prefix ? -1 : 0; i < length; ++i) {
    if (i < 0 || text[i] == ' ') {
      memcpy(marked + size, "\342\226\201", 3);
      size += 3;
    } else {
      marked[size++] = text[i];
    }
  }
  for (long at = 0; at < size; ++count) {
    const unsigned char head = marked[at];
    long bytes = head < 0xC0 ? 1 : head < 0xE0 ? 2 : head < 0xF0 ? 3 : 4;
    if (bytes > size - at) bytes = size - at;
    if (@apart && is_mark(marked + at, bytes) && !after_mark) {
      made += merge_pieces(marked, pieces, first, out + made);
      first = count;
    }
    after_mark = is_mark(marked + at, bytes);
    if (count > first) pieces[count - 1].next = count;
    pieces[count].begin = at;
    pieces[count].size = bytes;
    pieces[count].previous = count > first ? count - 1 : -1;
    pieces[count].next = -1;
    at += bytes;
  }
  made += merge_pieces(marked, pieces, first, out + made);
  free(marked);
  free(pieces);
  return made;
}
)";

constexpr std::string_view kBytePairs = R"(
/* The place in `merges` of a rule that joins two tokens, or -1. */
static long find_merge(int32_t left, int32_t right) {
  long low = 0, high = (long)(sizeof merges / sizeof merges[0]);
  while (low < high) {
    const long middle = (low + high) / 2;
    const struct merge *rule = merges + middle;
    if (rule->left == left && rule->right == right) return middle;
    if (rule->left < left || (rule->left == left && rule->right < right)) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/* Of all neighbours that a rule joins those of the lowest rank, the first among equals. */
static long encode_word(const unsigned char *word, long length, int32_t *out) {
  long *rules = memory(length * (long)sizeof *rules);
  long count = length, made = 0;
  const int32_t whole = @whole ? find_token(word, length) : -1;
  for (long i = 0; i < length; ++i) out[i] = byte_tokens[word[i]];
  for (long i = 0; i + 1 < length; ++i) rules[i] = find_merge(out[i], out[i + 1]);
  while (whole < 0) {
    long best = -1;
    for (long i = 0; i + 1 < count; ++i) {
      if (rules[i] >= 0 && (best < 0 || merges[rules[i]].rank < merges[rules[best]].rank)) best = i;
    }
    if (best < 0) break;
    out[best] = merges[rules[best]].token;
    --count;
    for (long i = best + 1; i < count; ++i) {
      out[i] = out[i + 1];
      rules[i] = rules[i + 1];
    }
    if (best > 0) rules[best - 1] = find_merge(out[best - 1], out[best]);
    if (best + 1 < count) rules[best] = find_merge(out[best], out[best + 1]);
  }
  free(rules);
  if (whole >= 0) count = 1;
  if (whole >= 0) out[0] = whole;
  for (long i = 0; i < count; ++i) {
    const int32_t token = out[i] >= 0 ? out[i] : @unknown;
    if (token >= 0) out[made++] = token;
  }
  return made;
}

/* The code point at *at, which moves behind it; of broken text U+FFFD. */
static uint32_t next_code_point(const unsigned char *text, long length, long *at) {
  const unsigned char first = text[*at];
  const int bytes = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  uint32_t c = first & (0x7Fu >> bytes);
  if (first < 0x80) return text[(*at)++];
  if (bytes == 1 || first > 0xF7 || bytes > length - *at) return ++*at, 0xFFFDu;
  for (int i = 1; i < bytes; ++i) {
    if ((text[*at + i] & 0xC0) != 0x80) return ++*at, 0xFFFDu;
    c = c << 6 | (text[*at + i] & 0x3Fu);
  }
  if (c > 0x10FFFF) return ++*at, 0xFFFDu;
  *at += bytes;
  return c;
}

static long append_utf8(unsigned char *to, uint32_t c) {
  const long bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const unsigned char starts[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (long i = bytes - 1; i > 0; --i, c >>= 6) to[i] = (unsigned char)(0x80 | (c & 0x3F));
  to[0] = (unsigned char)(starts[bytes] | c);
  return bytes;
}

static long encode_text(const unsigned char *text, long length, int starts, int32_t *out) {
  uint32_t *characters = memory((length + 1) * (long)sizeof *characters);
  unsigned char *word = memory(3 * length + 4);
  long count = 0, made = 0;
  (void)starts;
  for (long at = 0; at < length; ++count) characters[count] = next_code_point(text, length, &at);
  for (long at = 0; at < count;) {
    const long end = word_end(characters, at, count);
    long bytes = 0;
    for (; at < end; ++at) bytes += append_utf8(word + bytes, characters[at]);
    made += encode_word(word, bytes, out + made);
  }
  free(characters);
  free(word);
  return made;
}
)";

std::string byte_table(const std::vector<int32_t>& tokens) {
  CList list;
  for (const int32_t token : tokens) list.add(fmt::format("{}", token));
  return "\n/* The token of each byte, or -1. */\nstatic const int32_t byte_tokens[256] = {\n" +
         list.str() + "};\n";
}

std::string sentence_piece(const Vocabulary& vocabulary) {
  CList scores;
  for (const float score : vocabulary.scores) scores.add(c_float(score));
  return "\nstatic const float scores[] = {\n" + scores.str() + "};\n" +
         byte_table(text::byte_fallback(vocabulary)) +
         with_parts(std::string(kSentencePiece),
                    {{"@prefix", *vocabulary.add_space_prefix ? "1" : "0"},
                     {"@apart", text::words_are_apart(vocabulary) ? "1" : "0"}});
}

// The rules, by what they join; of equal ones the first. The tokenizer was made of the same ones.
std::vector<text::BpeRule> rules_of(const Vocabulary& vocabulary) {
  std::vector<text::BpeRule> rules = text::merge_rules(vocabulary).value();
  const auto pair_of = [](const text::BpeRule& rule) { return std::pair(rule.left, rule.right); };
  std::ranges::stable_sort(rules, {}, pair_of);
  const auto is_same = [&](const auto& a, const auto& b) { return pair_of(a) == pair_of(b); };
  rules.erase(std::unique(rules.begin(), rules.end(), is_same), rules.end());
  return rules;
}

Result<std::string> byte_pairs(const Vocabulary& vocabulary) {
  VERGE_TRY(const std::string words, c_words(vocabulary.pre));
  CList list;
  for (const auto& [left, right, merge] : rules_of(vocabulary)) {
    list.add(fmt::format("{{{}, {}, {}, {}}}", left, right, merge.token, merge.rank));
  }
  if (vocabulary.merges.empty())
    list.add("{-2, -2, -1, 0}");  // of nothing: C has no empty array, and
                                  // -1 is a byte without a token
  return "\n/* What two tokens become, the lowest rank first; sorted by the two. */\n"
         "static const struct merge {\n  int32_t left, right, token, rank;\n} merges[] = {\n" +
         list.str() + "};\n" + byte_table(text::byte_alphabet_tokens(vocabulary)) + words +
         with_parts(std::string(kBytePairs), {{"@whole", *vocabulary.ignore_merges ? "1" : "0"},
                                              {"@unknown", fmt::format("{}", vocabulary.unk)}});
}

}  // namespace

Result<std::string> c_text_model(const Vocabulary& vocabulary) {
  if (vocabulary.model == "llama") return sentence_piece(vocabulary);
  if (vocabulary.model == "gpt2") return byte_pairs(vocabulary);
  return make_error(Code::Unsupported,
                    "the tokenizer is of the model \"{}\", which has no C; \"llama\" "
                    "(SentencePiece) and \"gpt2\" (byte-level BPE) have: take --emit c, which "
                    "reads and writes tokens",
                    vocabulary.model);
}

}  // namespace verge::emit
