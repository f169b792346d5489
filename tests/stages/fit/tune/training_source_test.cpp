#include <gtest/gtest.h>

#include <verge/stages/fit/tune/training_source.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

// Of every scheme that classifiers have: channels that learn alone and low-rank factors too.
TEST(TrainingSource, EverySchemeHasC) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  const std::string sliced =
      folder.add("s.json", R"({"layers": {"stage.1.1.conv.weight": {"channels": [3, 9]}}})");
  PlanOptions options{.shape = {.batch = 8}, .disabled_passes = passes_without_training_c()};
  for (const std::string& scheme : {std::string("full"), std::string("bias"), std::string("last:1"),
                                    std::string("lora:2"), sliced}) {
    const auto plan = compile_chosen(base, scheme, options, 1);
    ASSERT_TRUE(plan) << plan.error().message;
    const auto source = training_source(base, *plan, "toy");
    ASSERT_TRUE(source) << scheme << ": " << source.error().message;
    EXPECT_NE(source->header.find("int toy_step("), std::string::npos);
    EXPECT_GT(source->kept_bytes, 0);
  }
}

TEST(TrainingSource, NamesWhatHasNone) {
  const test::TemporaryFolder folder;
  BaseModel base = toy_base(folder);
  const auto plan = compile_chosen(base, "head", {.shape = {.batch = 8}}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  for (const BaseKind kind : {BaseKind::Levels, BaseKind::LanguageModel}) {
    base.kind = kind;
    const auto source = training_source(base, *plan, "toy");
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().code, Code::Unsupported);
    EXPECT_NE(source.error().message.find("has no C yet"), std::string::npos);
  }
}

}  // namespace
}  // namespace verge::fit
