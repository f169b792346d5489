#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/text/pretokenizer_json.hpp>

namespace verge::text {
namespace {

using nlohmann::json;

json split(const char* pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
}

json sequence(std::vector<json> parts) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(parts)}};
}

const json kBytes = {{"type", "ByteLevel"}, {"use_regex", false}};
const json kBytesAndWords = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
const json kDigits = {{"type", "Digits"}, {"individual_digits", true}};

// The expressions as published in the families' tokenizer.json.
TEST(PreTokenizerJson, RecognisesPublishedFiles) {
  const std::pair<json, const char*> cases[] = {
      {kBytesAndWords, "gpt-2"},
      {sequence({kDigits, kBytesAndWords}), "smollm"},
      {sequence(
           {split(
                R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
            kBytes}),
       "llama-bpe"},
      {sequence(
           {split(
                R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
            kBytes}),
       "qwen2"},
      {sequence(
           {split(
                R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
            kBytes}),
       "gpt-4o"},
      {sequence(
           {split(R"(\p{N}{1,3})"), split("[一-龥぀-ゟ゠-ヿ]+"),
            split("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?"
                  "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"),
            kBytes}),
       "deepseek-v3"},
      {sequence({split("[\r\n]"), split(R"(\s?\p{L}+)"), split(R"(\s?\p{P}+)"),
                 split("[一-龥ࠀ-一가-퟿]+"), kDigits, kBytes}),
       "deepseek-coder"},
  };
  for (const auto& [json, name] : cases) {
    const auto result = recognise_pretokenizer(json);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(*result, name);
  }
}

TEST(PreTokenizerJson, RefusesOthers) {
  const std::pair<json, const char*> cases[] = {
      {split("[a-z]+"),
       "tokenizer.json: no known pre-tokenizer has the expression [a-z]+; convert the model to "
       "GGUF, which names it"},
      {kBytes,
       "tokenizer.json: no known pre-tokenizer has the expression (none); convert the model to "
       "GGUF, which names it"},
      {{{"type", "Metaspace"}}, "tokenizer.json: pre-tokenizer of type Metaspace is not known"},
      {sequence({sequence({})}), "tokenizer.json: a pre-tokenizer within another"},
  };
  for (const auto& [json, message] : cases) {
    const auto result = recognise_pretokenizer(json);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, Code::Unsupported);
    EXPECT_EQ(result.error().message, message);
  }
}

}  // namespace
}  // namespace verge::text
