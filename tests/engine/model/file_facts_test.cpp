#include <verge/engine/model/file_facts.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

format::ModelSource opened(const std::string& path) {
  auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source) << source.error().message;
  return std::move(*source);
}

TEST(FileFacts, NumbersOfEveryStoredTypeAreRead) {
  const test::TemporaryFolder folder;
  const auto edit = [](format::Metadata& metadata) {
    metadata.set("a.u32", uint32_t{7});
    metadata.set("a.f32", 0.5f);
    metadata.set("a.flag", true);
    metadata.set("a.text", std::string_view("word"));
    metadata.set_array("a.floats", std::span<const float>(std::vector<float>{1, 2.5f}));
    metadata.set_array("a.whole", std::span<const int32_t>(std::vector<int32_t>{-3, 4}));
  };
  const auto source = opened(
      test::rewrite_model(test::write_model(folder, test::tiny_spec("tiny-llama")), "-a", edit));
  const FileFacts facts(source);
  EXPECT_EQ(facts.number("a.u32"), 7);
  EXPECT_EQ(facts.number("a.f32"), 0.5);
  EXPECT_EQ(facts.number("a.flag"), 1);
  EXPECT_EQ(facts.number("a.text"), std::nullopt);
  EXPECT_EQ(facts.number("a.none"), std::nullopt);
  EXPECT_EQ(facts.numbers("a.floats"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(facts.numbers("a.whole"), (std::vector<double>{-3, 4}));
  EXPECT_EQ(facts.text("a.text"), "word");
  EXPECT_EQ(facts.text("a.u32"), std::nullopt);
}

TEST(FileFacts, TensorsHaveTheFilesTypeAndDecodedValues) {
  const test::TemporaryFolder folder;
  const auto source = opened(
      test::rewrite_model(test::write_model(folder, test::wide_spec("tiny-llama"), DType::Q8_0),
                          "-t", [](auto&) {}, {{"ramp", {1, 2, -3.5f}}}));
  const FileFacts facts(source);
  EXPECT_EQ(facts.tensor("ramp"), (graph::Type{DType::F32, {3}}));
  EXPECT_EQ(facts.tensor_values("ramp"), (std::vector<float>{1, 2, -3.5f}));
  const auto query = facts.tensor("blk.0.attn_q.weight");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, (graph::Type{DType::Q8_0, {256, 256}}));
  EXPECT_EQ(facts.tensor_values("blk.0.attn_q.weight").size(), size_t{256} * 256);
  EXPECT_EQ(facts.tensor("absent"), std::nullopt);
  EXPECT_TRUE(facts.tensor_values("absent").empty());
}

// Every field that write_vocabulary keeps comes back, those that are not set stay so.
TEST(Vocabulary, IsReadAsItWasWritten) {
  text::Vocabulary full;
  full.model = "llama", full.pre = "default";
  full.tokens = {"<unk>", "<s>", "</s>", "a", "b", "ab"};
  full.scores = {0, 0, 0, -1, -2, -0.5f};
  full.types = {2, 3, 3, 1, 1, 4};
  full.merges = {"a b"};
  full.unk = 0, full.bos = 1, full.eos = 2, full.eot = 3, full.eom = 4, full.pad = 5;
  full.add_bos = true, full.add_eos = false, full.add_space_prefix = false;
  text::Vocabulary bare;
  bare.model = "gpt2", bare.tokens = {"a"};
  for (const text::Vocabulary& wanted : {full, bare}) {
    format::ModelSource source;
    write_vocabulary(wanted, source.metadata);
    const auto found = read_vocabulary(source);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->model, wanted.model);
    EXPECT_EQ(found->pre, wanted.pre);
    EXPECT_EQ(found->tokens, wanted.tokens);
    EXPECT_EQ(found->scores, wanted.scores);
    EXPECT_EQ(found->types, wanted.types);
    EXPECT_EQ(found->merges, wanted.merges);
    const auto ids = [](const text::Vocabulary& v) {
      return std::vector<int32_t>{v.unk, v.bos, v.eos, v.eot, v.eom, v.pad};
    };
    EXPECT_EQ(ids(*found), ids(wanted));
    EXPECT_EQ(found->add_bos, wanted.add_bos);
    EXPECT_EQ(found->add_eos, wanted.add_eos);
    EXPECT_EQ(found->add_space_prefix, wanted.add_space_prefix);
  }
}

TEST(ChatTemplateOfAFile, IsThereOrNotOrNoText) {
  format::ModelSource source;
  const auto absent = read_chat_template(source.metadata);
  ASSERT_TRUE(absent) << absent.error().message;
  EXPECT_FALSE(absent->has_value());
  source.metadata.set("tokenizer.chat_template", "{{ 1 }}");
  EXPECT_EQ(read_chat_template(source.metadata).value(), "{{ 1 }}");
  format::ModelSource odd;
  odd.metadata.set("tokenizer.chat_template", uint32_t{7});
  EXPECT_FALSE(read_chat_template(odd.metadata));
}

TEST(Vocabulary, MissingTablesAreNamed) {
  format::ModelSource source;
  EXPECT_NE(read_vocabulary(source).error().message.find("tokenizer.ggml.model"),
            std::string::npos);
  source.metadata.set("tokenizer.ggml.model", "gpt2");
  const auto vocabulary = read_vocabulary(source);
  ASSERT_FALSE(vocabulary);
  EXPECT_EQ(vocabulary.error().code, Code::NotFound);
  EXPECT_NE(vocabulary.error().message.find("tokenizer.ggml.tokens"), std::string::npos);
}

}  // namespace
}  // namespace verge::model
