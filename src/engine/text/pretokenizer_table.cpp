#include <array>

#include <verge/engine/text/pretokenizer.hpp>

// The expressions of each family. Contractions are spelled in both cases, since caseless matching
// would take U+017F for an s; a class is written with a double negation where one part of it is
// taken away: [^\P{L}a-z] is "letters but a to z".

namespace verge::text {
namespace {

// GPT-2 (Radford et al. 2019).
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))";

#define CONTRACTIONS R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))"
#define WORD R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define SYMBOLS R"( ?[^\s\p{L}\p{N}]+[\r\n]*)"
#define SPACE R"(\s*[\r\n]+|\s+(?!\S)|\s+)"

// Numbers by up to three digits, by one, or not cut at all.
constexpr std::string_view kLlama3 = CONTRACTIONS "|" WORD R"(|\p{N}{1,3}|)" SYMBOLS "|" SPACE;
constexpr std::string_view kQwen2 = CONTRACTIONS "|" WORD R"(|\p{N}|)" SYMBOLS "|" SPACE;
constexpr std::string_view kMiniCpm5 = CONTRACTIONS "|" WORD R"(|\p{N}+|)" SYMBOLS "|" SPACE;
constexpr std::string_view kSeedCoder =
    CONTRACTIONS "|" WORD R"(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" SPACE;
constexpr std::string_view kTurkish = WORD R"(|\p{N}|)" SYMBOLS "|" SPACE;
constexpr std::string_view kBailing =
    CONTRACTIONS "|" WORD R"(|\p{N}|)" SYMBOLS R"(|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" SPACE;
constexpr std::string_view kJais2 = CONTRACTIONS
    "|" WORD R"(|\p{N}{1,3}|)" SYMBOLS
    R"(|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S))"
    R"(|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s)";

// o200k: a word is capitals, then small letters; letters without case count as both.
#define CASED(upper, lower, tail)                   \
  "[^\\r\\n\\p{L}\\p{N}]?" upper "*" lower "+" tail \
  "|"                                               \
  "[^\\r\\n\\p{L}\\p{N}]?" upper "+" lower "*" tail
#define UPPER R"([^\P{L}a-z])"
#define LOWER R"([^\P{L}A-Z])"
#define O200K_SYMBOLS R"( ?[^\s\p{L}\p{N}]+[\r\n/]*)"
constexpr std::string_view kGpt4o =
    CASED(UPPER, LOWER, CONTRACTIONS "?") R"(|\p{N}{1,3}|)" O200K_SYMBOLS "|" SPACE;
constexpr std::string_view kTekken = CASED(UPPER, LOWER, "") R"(|\p{N}|)" O200K_SYMBOLS "|" SPACE;
constexpr std::string_view kGraniteMulti =
    CASED(R"((?:(?![a-z])[\p{L}\p{M}]))", R"((?:(?![A-Z])[\p{L}\p{M}]))",
          CONTRACTIONS "?") R"(|\p{N}{1,3}|)" O200K_SYMBOLS "|" SPACE;

// DeepSeek: scripts with case, with punctuation and CJK apart.
constexpr std::string_view kDeepseekWords =
    R"(\s?[)"
    R"(A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽ)"
    R"(Ა-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼ)"
    R"(ℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗ)"
    R"(Ａ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃)"
    R"(]+)";
constexpr std::string_view kDeepseekPunctuation = R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)";
// Only where a run of spaces starts, as otherwise each of its characters would be tried.
constexpr std::string_view kTrailingSpace = R"((?<!\s)\s++$)";
constexpr std::string_view kDeepseekCjk = "[一-龥ࠀ-一가-퟿]+";
constexpr std::string_view kDeepseek3Cjk = "[一-龥぀-ゟ゠-ヿ]+";
constexpr std::string_view kDeepseek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|)" SPACE;

constexpr std::string_view kBloom = R"( ?[^(\s|.,!?…。，、।۔،)]+)";
constexpr std::string_view kNewline = R"([\r\n])";
constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}+)";
constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";

#undef CONTRACTIONS
#undef WORD
#undef SYMBOLS
#undef SPACE
#undef CASED
#undef UPPER
#undef LOWER
#undef O200K_SYMBOLS

// Names, patterns, then whether whole words need no merges and whether BOS is usual.
const std::array<PreTokenizerSpec, 22>& table() {
  static const std::array<PreTokenizerSpec, 22> specs = {{
      {{"gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v1-en",
        "jina-v2-code", "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "modern-bert", "mpt",
        "olmo", "jais", "trillion", "granite-docling", "exaone4"},
       {kGpt2}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano"},
       {kLlama3},
       true,
       true},
      {{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, {kLlama3}},
      {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "hunyuan", "megrez",
        "solar-open", "grok-2"},
       {kQwen2}},
      {{"qwen35"}, {kQwen35}},
      {{"deepseek-llm"},
       {kNewline, kDeepseekWords, kDeepseekPunctuation, kTrailingSpace, kDeepseekCjk, kDigits}},
      {{"deepseek-coder"}, {kNewline, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepseekCjk, kDigit}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
       {kThreeDigits, kDeepseek3Cjk, kDeepseek3}},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
        "mellum2"},
       {kDigit, kGpt2}},
      {{"falcon"}, {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, "[0-9][0-9][0-9]"}},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, {kGpt4o}},
      {{"tekken"}, {kTekken}, true, true},
      {{"granite-embed-multi-97m"}, {kGraniteMulti}, true},
      {{"jais-2"}, {kJais2}},
      {{"poro-chat", "bloom", "gpt3-finnish"}, {kBloom}},
      {{"viking"}, {kBloom, kDigit}},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, {kBailing}},
      {{"seed-coder"}, {kSeedCoder}},
      {{"ufakzeka"}, {kTurkish}},
      {{"minicpm5"}, {kThreeDigits, kMiniCpm5}, true},
      {{"laguna"}, {R"([^\n]+|[\n]+)", kQwen2}},
      {{"default", ""}, {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, kDigits, "[0-9][0-9][0-9]"}},
  }};
  return specs;
}

}  // namespace

std::span<const PreTokenizerSpec> pretokenizers() {
  return table();
}

Result<const PreTokenizerSpec*> find_pretokenizer(std::string_view name) {
  for (const PreTokenizerSpec& spec : table()) {
    for (const std::string_view known : spec.names) {
      if (known == name) return &spec;
    }
  }
  return make_error(Code::Unsupported,
                    "tokenizer: pre-tokenizer \"{}\" is not known; a newer build may know it",
                    name);
}

}  // namespace verge::text
