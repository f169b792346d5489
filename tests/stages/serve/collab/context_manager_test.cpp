#include "context_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

class ContextManagerTest : public ManagerFixture {};

TEST_F(ContextManagerTest, EachPositionIsComputedOnce) {
  start();
  ASSERT_GT(text_.size(), 22u);
  const auto one = device();
  EXPECT_EQ(accepted_.lease_s, 120);
  EXPECT_EQ(accepted_.held, 0);
  one->send_states(0, 18);
  one->finish(15);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(snapshot().layer_tokens, 16 * kUpperLayers);
  one->finish(17);
  EXPECT_EQ(answer(*one), expected_after(17));
  one->send_states(10, 22);
  one->finish(21);
  EXPECT_EQ(answer(*one), expected_after(21));
  EXPECT_EQ(snapshot().layer_tokens, 22 * kUpperLayers);
  EXPECT_EQ(snapshot().tokens, 3);
  EXPECT_EQ(snapshot().states_bytes, 0);
}

TEST_F(ContextManagerTest, SessionsRunTogether) {
  start({.fills_prompts = false});
  std::vector<std::unique_ptr<RawDevice>> devices;
  for (int i = 0; i < 8; ++i) {
    devices.push_back(device(std::to_string(i)));
    devices.back()->send_states(0, kPromptLength);
  }
  for (const auto& each : devices) each->finish(kPromptLength - 1);
  const int32_t expected = expected_after(kPromptLength - 1);
  for (const auto& each : devices) EXPECT_EQ(answer(*each), expected);
  EXPECT_EQ(snapshot().steps, 1);
  EXPECT_EQ(snapshot().segments, 8);
}

TEST_F(ContextManagerTest, APromptThatWasRunAheadIsAnsweredAtOnce) {
  start();
  const auto one = device();
  one->send_states(0, kPromptLength);
  EXPECT_TRUE(manager_->step());
  const int64_t before = snapshot().layer_tokens;
  EXPECT_EQ(before, kPromptLength * kUpperLayers);
  one->finish(kPromptLength - 1);
  EXPECT_EQ(answer(*one), expected_after(kPromptLength - 1));
  one->finish(kPromptLength - 1);  // the answer was lost, say
  EXPECT_EQ(answer(*one), expected_after(kPromptLength - 1));
  EXPECT_EQ(snapshot().layer_tokens, before);
  EXPECT_EQ(snapshot().waiting, 0);
}

TEST_F(ContextManagerTest, TokensThatWereDecodedAreNotRunAhead) {
  start();
  const auto one = device();
  one->send_states(0, 20);
  while (manager_->step()) continue;
  EXPECT_EQ(snapshot().layer_tokens, kPromptLength * kUpperLayers);
}

TEST_F(ContextManagerTest, WhoLosesItsPagesIsToldToBeginAgain) {
  start({}, 64);  // two pages
  const auto one = device("1"), two = device("2"), three = device("3");
  for (RawDevice* each : {&*one, &*two, &*three}) {
    each->send_states(0, 14);
    each->finish(13);
    EXPECT_EQ(answer(*each), expected_after(13));
  }
  EXPECT_EQ(snapshot().evictions, 1);
  one->finish(14);
  EXPECT_EQ(one->hear<ResumeMessage>(*manager_), ResumeMessage{0});
  one->send_states(0, 15);
  EXPECT_EQ(answer(*one), expected_after(14));
  EXPECT_EQ(snapshot().kv_pages, 2);
}

TEST_F(ContextManagerTest, StepsMustHaveRoomForPrompts) {
  model::LoadOptions options;
  options.max_tokens = 8;
  options.context = 64;
  options.layers = {kExit1, 0};
  auto small =
      model::LanguageModel::load(test::source_file("models/verge-lm.gguf"), options, pool_);
  ASSERT_TRUE(small.ok());
  const auto made = ContextManager::create(**small, SharedModels::get().split, clock_);
  const bool is_small = (*small)->decoder().min_chunk > 4;
  ASSERT_EQ(made.ok(), !is_small);
  EXPECT_TRUE(made.ok() || made.error().code == Code::Unsupported);
}

}  // namespace
}  // namespace verge::serve
