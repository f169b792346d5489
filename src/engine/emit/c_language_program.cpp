#include <fmt/format.h>

#include <verge/engine/emit/c_language_program.hpp>
#include <verge/engine/emit/c_tokenizer.hpp>
#include <verge/engine/emit/program_parts.hpp>

namespace verge::emit {
namespace {

constexpr std::string_view kLanguageHead =
    R"(/* Continues a text with the language model of @name.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

)"
    "#include \"@name.h\"\n";

constexpr std::string_view kTokenChoice = R"(
static float logits[@NAME_TOKENS_END];

static int32_t likeliest(void) {
  int32_t best = 0;
  for (int32_t i = 1; i < @NAME_TOKENS_END; ++i) best = logits[i] > logits[best] ? i : best;
  return best;
}

/* SplitMix64 (Steele et al. 2014), as a number in [0, 1). */
static double uniform(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* One of all tokens, by the softmax of the logits over the temperature. */
static int32_t drawn(double temperature, uint64_t *state) {
  const double most = logits[likeliest()];
  double sum = 0, rest;
  for (int32_t i = 0; i < @NAME_TOKENS_END; ++i) sum += exp((logits[i] - most) / temperature);
  rest = uniform(state) * sum;
  for (int32_t i = 0; i < @NAME_TOKENS_END; ++i) {
    rest -= exp((logits[i] - most) / temperature);
    if (rest < 0) return i;
  }
  return likeliest();
}
)";

constexpr std::string_view kShowTokens = R"(
static void show(int32_t token, int as_number) {
  const unsigned char *text;
  int has_marks;
  long size = piece_of(token, &text, &has_marks);
  if (as_number) {
    print_integer(token);
    print(1, "\n");
    return;
  }
  while (size > 0) {
    long plain = 0;
    if (has_marks && size >= 3 && memcmp(text, "\342\226\201", 3) == 0) {
      print(1, " ");
      text += 3;
      size -= 3;
      continue;
    }
    do {
      ++plain;
    } while (plain < size && !(has_marks && text[plain] == 0xE2));
    if (write(1, text, (size_t)plain) != plain) _Exit(1);
    text += plain;
    size -= plain;
  }
}

static void show_rate(const char *what, long tokens, clock_t time) {
  char digits[24];
  char *at = digits + sizeof digits;
  const double seconds = (double)time / CLOCKS_PER_SEC;
  long rate = seconds > 0 ? (long)((double)tokens / seconds) : 0;
  print(2, what);
  *--at = 0;
  do {
    *--at = (char)('0' + rate % 10);
  } while ((rate /= 10) > 0);
  print(2, at);
  print(2, " tokens/s");
}
)";

constexpr std::string_view kLanguageMain = R"(
static void usage(const char *program) {
  print(2, "usage: ");
  print(2, program);
  print(2, " -p TEXT [-n COUNT] [--temp T] [--seed S] [--ignore-end] [--ids] [--quiet]\n"
           "  -p: the text to continue; - reads standard input\n"
           "  -n: most tokens to answer, -1 (as without it) up to the end or a full context\n"
           "  --temp: 0 (as without it) takes the likeliest token, else it is drawn from all\n"
           "  --seed: of what is drawn (0)\n"
           "  --ignore-end: goes on past the end of the text\n"
           "  --ids: prints the numbers of tokens, one a line\n"
           "  --quiet: does not say how fast it was\n");
  _Exit(2);
}

static const char *prompt_text = NULL;
static double temperature = 0;
static uint64_t seed = 0;
static long most = -1;
static int ignores_end = 0, as_numbers = 0, is_quiet = 0;

static void read_options(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    char *end = NULL;
    if (strcmp(argv[i], "--ignore-end") == 0) ignores_end = 1;
    else if (strcmp(argv[i], "--ids") == 0) as_numbers = 1;
    else if (strcmp(argv[i], "--quiet") == 0) is_quiet = 1;
    else if (value == NULL) usage(argv[0]);
    else if (strcmp(argv[i], "-p") == 0) prompt_text = argv[++i];
    else if (strcmp(argv[i], "-n") == 0) most = strtol(argv[++i], &end, 10);
    else if (strcmp(argv[i], "--temp") == 0) temperature = strtod(argv[++i], &end);
    else if (strcmp(argv[i], "--seed") == 0) seed = strtoul(argv[++i], &end, 10);
    else usage(argv[0]);
    if (end != NULL && (end == value || *end != 0)) usage(argv[0]);
  }
  if (prompt_text == NULL || !(temperature >= 0)) usage(argv[0]);
}

/* The text of -p, or all of standard input. */
static unsigned char *read_prompt(long *length) {
  long room = 1 << 16, got;
  unsigned char *text;
  if (strcmp(prompt_text, "-") != 0) {
    *length = (long)strlen(prompt_text);
    text = memory(*length);
    memcpy(text, prompt_text, (size_t)*length);
    return text;
  }
  text = memory(room);
  *length = 0;
  while ((got = read(0, text + *length, (size_t)(room - *length))) > 0) {
    *length += got;
    if (*length < room) continue;
    room *= 2;
    text = realloc(text, (size_t)room);
    if (text == NULL) fail("no memory\n", "");
  }
  return text;
}

static void step(int32_t token, int32_t position) {
  if (@name_step(&token, &position, logits) != 0) fail("a token or position out of range\n", "");
}

int main(int argc, char **argv) {
  long length, count, made = 0;
  int32_t *tokens, position = 0;
  unsigned char *text;
  clock_t begin, answer;
  read_options(argc, argv);
  text = read_prompt(&length);
  if (exceeds(length, @NAME_POSITIONS_END)) fail("the prompt is longer than the context\n", "");
  tokens = memory((4 * length + 8) * (long)sizeof *tokens);
  count = encode(text, length, tokens);
  if (count == 0) fail("the prompt has no tokens; give a text with -p\n", "");
  if (count > @NAME_POSITIONS_END) fail("the prompt is longer than the context\n", "");
  begin = clock();
  for (; position < count; ++position) step(tokens[position], position);
  answer = clock();
  while (made != most) {
    const int32_t token = temperature > 0 ? drawn(temperature, &seed) : likeliest();
    if (is_end(token) && !ignores_end) break;
    show(token, as_numbers);
    if (++made == most || position >= @NAME_POSITIONS_END) break;
    step(token, position++);
  }
  if (!as_numbers) print(1, "\n");
  if (!is_quiet) {
    show_rate("prompt: ", count, answer - begin);
    show_rate(", answer: ", made, clock() - answer);
    print(2, "\n");
  }
  return 0;
}
)";

}  // namespace

Result<std::string> c_language_program(std::string_view name, const text::Tokenizer& tokenizer) {
  VERGE_TRY(const std::string of_text, c_tokenizer(tokenizer));
  const auto named = [&](std::string_view code) { return with_name(std::string(code), name); };
  return fmt::format("{}{}{}{}{}{}", named(kLanguageHead), kPrinting, of_text, named(kTokenChoice),
                     kShowTokens, named(kLanguageMain));
}

}  // namespace verge::emit
