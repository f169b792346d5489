#include <gtest/gtest.h>

#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::build {
namespace {

TEST(Shapes, EveryNameHasASpecAndEveryFamilyATinyOne) {
  for (const std::string& name : random_model_names()) {
    const auto spec = random_model_spec(name);
    ASSERT_TRUE(spec.ok()) << name;
    EXPECT_EQ(spec->name, name);
    EXPECT_EQ(spec->pre_tokenizer.empty(), spec->vocabulary != VocabularyKind::BytePairs) << name;
  }
  EXPECT_EQ(random_model_spec("tiny-gemma2")->final_softcap, 30.0f);
  EXPECT_TRUE(random_model_spec("tiny-qwen2")->bias_qkv);
}

TEST(Shapes, AnUnknownNameListsTheKnownOnes) {
  const auto spec = random_model_spec("gpt-5");
  ASSERT_FALSE(spec.ok());
  EXPECT_EQ(spec.error().code, Code::NotFound);
  EXPECT_TRUE(spec.error().message.starts_with("shape gpt-5 is unknown; known are tiny-llama, "));
}

}  // namespace
}  // namespace verge::build
