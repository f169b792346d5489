#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/text/tokenizer.hpp>
#include <verge/engine/text/tokenizer_json.hpp>

#include "odd_strings.hpp"
#include "odd_vocabularies.hpp"
#include "paths.hpp"

namespace verge::text {
namespace {

using nlohmann::json;

json added_token(int id, const std::string& content, bool special) {
  return {{"id", id}, {"content", content}, {"special", special}};
}

/// The tokenizer.json of a vocabulary made by small_vocabularies.hpp.
json json_of(const Vocabulary& vocabulary) {
  json file = {{"model", {{"type", "BPE"}, {"merges", vocabulary.merges}}},
               {"added_tokens", json::array()}};
  file["model"]["vocab"] = json::object();
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const auto type = static_cast<TokenType>(vocabulary.types[i]);
    if (type == TokenType::Control || type == TokenType::UserDefined) {
      file["added_tokens"].push_back(
          added_token(static_cast<int>(i), vocabulary.tokens[i], type == TokenType::Control));
    } else {
      file["model"]["vocab"][vocabulary.tokens[i]] = i;
    }
  }
  return file;
}

json byte_level_json(const Vocabulary& vocabulary) {
  json file = json_of(vocabulary);
  file["pre_tokenizer"] = {{"type", "ByteLevel"}};
  return file;
}

TEST(TokenizerJson, ByteLevelIsTheVocabularyItWasMadeFrom) {
  const Vocabulary vocabulary = byte_vocabulary({"a b", "Ġ ab"});
  const auto read = vocabulary_from_tokenizer_json(byte_level_json(vocabulary).dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->model, "gpt2");
  EXPECT_EQ(read->pre, "gpt-2");
  EXPECT_EQ(read->tokens, vocabulary.tokens);
  EXPECT_EQ(read->types, vocabulary.types);
  EXPECT_EQ(read->merges, vocabulary.merges);
  EXPECT_EQ(read->ignore_merges, false);
  EXPECT_TRUE(read->strips_after.empty());
}

TEST(TokenizerJson, ReadsWhatChangesHowWordsAreCut) {
  const Vocabulary vocabulary = byte_vocabulary({"a b"});
  json file = byte_level_json(vocabulary);
  file["model"]["ignore_merges"] = true;
  file["added_tokens"].back()["rstrip"] = true;
  const auto read = vocabulary_from_tokenizer_json(file.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->ignore_merges, true);
  EXPECT_EQ(read->strips_after, (std::vector<int32_t>{file["added_tokens"].back()["id"]}));
}

// Merges by rank (the file) and by score (what is made of it) must agree on any text.
TEST(TokenizerJson, ScoresDoWhatRanksDo) {
  const std::string folder = test::source_file("tests/engine/text/");
  Vocabulary by_rank = character_vocabulary(odd_pieces(read_lines(folder + "odd_merges.txt")));
  by_rank.merges.clear();  // as published: every way to make a piece, by the piece's own rank
  const std::set<std::string> known(by_rank.tokens.begin() + 259, by_rank.tokens.end());
  for (size_t i = 259; i < by_rank.tokens.size(); ++i) {
    const std::string& piece = by_rank.tokens[i];
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      const std::string left = piece.substr(0, cut), right = piece.substr(cut);
      if (known.count(left) + known.count(right) == 2) by_rank.merges.push_back(left + " " + right);
    }
  }
  json file = json_of(by_rank);
  file["model"]["byte_fallback"] = true;
  const auto read = vocabulary_from_tokenizer_json(file.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->add_space_prefix, false);
  by_rank.add_bos = false;
  const auto ranks = make_tokenizer(by_rank);
  const auto scores = make_tokenizer(*read);
  OddStrings strings(5);
  for (int i = 0; i < 500; ++i) {
    std::string text = repaired_utf8(strings.next());
    std::erase(text, '\n');  // a word of its own by rank
    EXPECT_EQ((*scores)->encode(text), (*ranks)->encode(text)) << text;
  }
}

TEST(TokenizerJson, ReadsPairsTemplatesAndConfiguration) {
  json file = byte_level_json(byte_vocabulary({"a b"}));
  file["model"]["merges"] = json::array({json::array({"a", "b"})});
  file["model"]["ignore_merges"] = true;
  file["post_processor"] = {{"type", "Sequence"},
                            {"processors",
                             {{{"type", "ByteLevel"}},
                              {{"type", "TemplateProcessing"},
                               {"single",
                                {{{"SpecialToken", {{"id", "<|im_start|>"}, {"type_id", 0}}}},
                                 {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                                 {{"SpecialToken", {{"id", "<|im_end|>"}, {"type_id", 0}}}}}}}}}};
  auto read = vocabulary_from_tokenizer_json(file.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->merges, (std::vector<std::string>{"a b"}));
  EXPECT_EQ(read->ignore_merges, true);
  EXPECT_EQ((*make_tokenizer(*read))->encode("ab"), (std::vector<int32_t>{257, 256, 258}));
  const char* config = R"({"bos_token": {"content": "<|im_end|>"}, "eos_token": "<|im_start|>",
                           "pad_token": null, "add_bos_token": true, "add_eos_token": false})";
  ASSERT_TRUE(apply_tokenizer_config(config, *read).ok());
  EXPECT_EQ((*make_tokenizer(*read))->encode("ab"), (std::vector<int32_t>{258, 256}));
}

TEST(TokenizerJson, SentencePieceFilesMayStartWithASpace) {
  Vocabulary vocabulary = sentencepiece_vocabulary({"▁", "a", "▁a"});
  vocabulary.merges = {"▁ a"};
  json file = json_of(vocabulary);
  file["model"]["byte_fallback"] = true;
  file["model"]["unk_token"] = "<unk>";
  file["normalizer"] = {{"type", "Sequence"},
                        {"normalizers", {{{"type", "Prepend"}, {"prepend", "▁"}}}}};
  const auto read = vocabulary_from_tokenizer_json(file.dump());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->types, vocabulary.types);
  EXPECT_EQ((*make_tokenizer(*read))->encode("a\n"), (std::vector<int32_t>{261, 3 + '\n'}));
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = {{"type", "Metaspace"}, {"prepend_scheme", "never"}};
  EXPECT_EQ(vocabulary_from_tokenizer_json(file.dump())->add_space_prefix, false);
}

TEST(TokenizerJson, RefusesBrokenFiles) {
  const json good = byte_level_json(byte_vocabulary({}));
  const auto with = [&](const char* path, json value) {
    json file = good;
    file[json::json_pointer(path)] = std::move(value);
    return file.dump();
  };
  const std::pair<std::string, Code> cases[] = {
      {"", Code::Malformed},
      {"{", Code::Malformed},
      {"[]", Code::Malformed},
      {"{}", Code::Malformed},
      {"\"\xFF\"", Code::Malformed},
      {std::string(200'000, '['), Code::Malformed},
      {with("/model/type", "Unigram"), Code::Unsupported},
      {with("/model/vocab/a", -1), Code::Malformed},
      {with("/model/vocab/a", 1e15), Code::Malformed},
      {with("/model/vocab/a", 1e300), Code::Malformed},
      {with("/model/vocab/a", 98), Code::Malformed},
      {with("/model/vocab/a", "b"), Code::Malformed},
      {with("/model/merges", json::array({1})), Code::Malformed},
      {with("/model/merges", json::array({json::array({"a b", "c"})})), Code::Unsupported},
      {with("/added_tokens/0/content", 7), Code::Malformed},
      {with("/pre_tokenizer", nullptr), Code::Malformed},
  };
  for (const auto& [json, code] : cases) {
    const auto result = vocabulary_from_tokenizer_json(json);
    ASSERT_FALSE(result.ok()) << json.substr(0, 80);
    EXPECT_EQ(result.error().code, code) << result.error().message;
  }
  Vocabulary vocabulary = byte_vocabulary({});
  EXPECT_FALSE(apply_tokenizer_config("{", vocabulary).ok());
  EXPECT_EQ(apply_tokenizer_config(R"({"eos_token": "<x>"})", vocabulary).error().message,
            "tokenizer_config.json: eos_token \"<x>\" is not a token");
}

}  // namespace
}  // namespace verge::text
