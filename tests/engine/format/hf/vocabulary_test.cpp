#include <gtest/gtest.h>

#include <verge/engine/format/hf/vocabulary.hpp>

#include "temporary_folder.hpp"

namespace verge::format {
namespace {

Result<ModelSource> read(const test::TemporaryFolder& folder, std::string_view config) {
  ModelSource source;
  VERGE_TRY(const JsonObject object, JsonObject::parse(config, "config.json"));
  VERGE_RETURN_IF_ERROR(read_vocabulary(folder.path(), object, source));
  return source;
}

TEST(HfVocabulary, PrefersTheGenerationConfig) {
  const test::TemporaryFolder folder;
  folder.add("tokenizer.json", "{}");
  folder.add("generation_config.json", R"({"eos_token_id":[128001,128009]})");
  folder.add("tokenizer_config.json", R"({"add_bos_token":true,"chat_template":"one"})");
  const auto source = read(folder, R"({"bos_token_id":128000,"eos_token_id":7})");
  ASSERT_TRUE(source) << source.error().message;
  const Metadata& m = source.value().metadata;
  EXPECT_EQ(m.get_u32("tokenizer.ggml.bos_token_id").value(), 128000u);
  EXPECT_EQ(m.get_u32("tokenizer.ggml.eos_token_id").value(), 128001u);
  EXPECT_EQ(m.get_array<uint32_t>("verge.eos_token_ids").value(),
            (std::vector<uint32_t>{128001, 128009}));
  EXPECT_TRUE(m.get_bool("tokenizer.ggml.add_bos_token").value());
  EXPECT_EQ(m.get_string("tokenizer.chat_template").value(), "one");
  EXPECT_EQ(source.value().tokenizer_json, folder / "tokenizer.json");
}

TEST(HfVocabulary, FindsTheTemplateWhereverItStands) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(read(folder, "{}").value().metadata.contains("tokenizer.chat_template"));
  folder.add(
      "tokenizer_config.json",
      R"({"chat_template":[{"name":"tool","template":"t"},{"name":"default","template":"d"}]})");
  EXPECT_EQ(read(folder, "{}").value().metadata.get_string("tokenizer.chat_template").value(), "d");
  folder.add("chat_template.jinja", "own file");
  EXPECT_EQ(read(folder, "{}").value().metadata.get_string("tokenizer.chat_template").value(),
            "own file");
}

TEST(HfVocabulary, RefusesAbsurdValues) {
  const test::TemporaryFolder folder;
  for (const char* config : {R"({"eos_token_id":-1})", R"({"eos_token_id":1.5})",
                             R"({"eos_token_id":1e300})", R"({"eos_token_id":"</s>"})"}) {
    EXPECT_FALSE(read(folder, config)) << config;
  }
  folder.add("tokenizer_config.json", R"({"chat_template":[{"name":"default"},7]})");
  EXPECT_FALSE(read(folder, "{}"));
}

}  // namespace
}  // namespace verge::format
