#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/text/tokenizer.hpp>
#include <verge/engine/text/tokenizer_json.hpp>
#include <verge/engine/text/tokenizer_json_writer.hpp>

#include "odd_strings.hpp"
#include "odd_vocabularies.hpp"
#include "paths.hpp"

namespace verge::text {
namespace {

Vocabulary read_back(const Vocabulary& vocabulary) {
  const auto json = tokenizer_json(vocabulary);
  EXPECT_TRUE(json) << json.error().message;
  auto read = vocabulary_from_tokenizer_json(*json);
  EXPECT_TRUE(read) << read.error().message;
  const Status status = apply_tokenizer_config(tokenizer_config_json(vocabulary, "x"), *read);
  EXPECT_TRUE(status) << status.error().message;
  return *read;
}

void expect_same_ids(const Vocabulary& vocabulary) {
  const auto before = make_tokenizer(vocabulary);
  ASSERT_TRUE(before) << before.error().message;
  const auto after = make_tokenizer(read_back((*before)->vocabulary()));
  ASSERT_TRUE(after) << after.error().message;
  OddStrings strings(11);
  for (int i = 0; i < 40; ++i) {
    const std::string text = repaired_utf8(strings.next());
    ASSERT_EQ((*after)->encode(text), (*before)->encode(text)) << vocabulary.pre << ": " << text;
  }
}

std::vector<std::string> merges() {
  return read_lines(test::source_file("tests/engine/text/odd_merges.txt"));
}

TEST(TokenizerJsonWriter, EveryPreTokenizerComesBack) {
  for (const PreTokenizerSpec& spec : pretokenizers()) {
    Vocabulary vocabulary = byte_vocabulary(merges());
    vocabulary.pre = spec.names[0];
    expect_same_ids(vocabulary);
  }
}

TEST(TokenizerJsonWriter, ScoresComeBackAsMerges) {
  for (const bool prefix : {false, true}) {
    Vocabulary vocabulary = sentencepiece_vocabulary(odd_pieces(merges()));
    vocabulary.add_space_prefix = prefix;
    vocabulary.add_bos = true;
    expect_same_ids(vocabulary);
  }
}

TEST(TokenizerJsonWriter, WritesWhatOtherToolsLookFor) {
  Vocabulary vocabulary = byte_vocabulary({"a b"});
  vocabulary.tokens.push_back("<|end|>");
  vocabulary.types.push_back(static_cast<int32_t>(TokenType::Control));
  vocabulary.eos = static_cast<int32_t>(vocabulary.tokens.size()) - 1;
  vocabulary.add_eos = true;
  const auto json = nlohmann::json::parse(*tokenizer_json(vocabulary));
  EXPECT_EQ(json["model"]["type"], "BPE");
  EXPECT_EQ(json["added_tokens"].back()["content"], "<|end|>");
  EXPECT_EQ(json["added_tokens"].back()["special"], true);
  EXPECT_EQ(json["post_processor"]["single"][1]["SpecialToken"]["id"], "<|end|>");
  EXPECT_EQ(json["post_processor"]["special_tokens"]["<|end|>"]["ids"][0], vocabulary.eos);
  const auto config = nlohmann::json::parse(tokenizer_config_json(vocabulary, "{{ x }}"));
  EXPECT_EQ(config["eos_token"], "<|end|>");
  EXPECT_EQ(config["chat_template"], "{{ x }}");
}

TEST(TokenizerJsonWriter, RefusesWhatJsonCannotHold) {
  Vocabulary vocabulary = byte_vocabulary({});
  vocabulary.tokens[3] = "\xFF";
  EXPECT_EQ(tokenizer_json(vocabulary).error().code, Code::Malformed);
  vocabulary.model = "gemma4";
  EXPECT_EQ(tokenizer_json(vocabulary).error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::text
