// A server whose devices draft: several requests at once, and branches of a text that are left.

#include "context_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

class BranchesTest : public ManagerFixture {
 protected:
  // Nothing more is said, whatever the server does.
  void expect_silence(RawDevice& device) {
    while (manager_->step()) continue;
    const auto message = device.channel().receive(0);
    ASSERT_TRUE(message.ok());
    EXPECT_FALSE(message->has_value());
  }
  TokenMessage token(RawDevice& device) {
    return device.hear<TokenMessage>(*manager_).value_or(TokenMessage{.position = -1});
  }
};

TEST_F(BranchesTest, AllThatIsAskedIsAnsweredInOneRun) {
  start({.fills_prompts = false});
  const auto one = device();
  one->send_states(0, 20);
  for (const int64_t position : {13, 15, 16, 19}) one->finish(position);
  EXPECT_EQ(snapshot().waiting, 4);
  for (const int64_t position : {13, 15, 16, 19}) {
    const TokenMessage answer = token(*one);
    EXPECT_EQ(answer.position, position);
    EXPECT_EQ(answer.id, expected_after(position));
  }
  const ContextSnapshot seen = snapshot();
  EXPECT_EQ(seen.steps, 2);  // the prompt, and all that was decoded
  EXPECT_EQ(seen.layer_tokens, 20 * kUpperLayers);
  EXPECT_EQ(seen.waiting, 0);
}

TEST_F(BranchesTest, ANewBranchUndoesWhatWasComputedOfTheOld) {
  start();
  const auto one = device();
  one->send_states(0, 14);
  one->send_wrong_states(14, 18);
  one->finish(13);
  one->finish(16);
  EXPECT_EQ(token(*one).id, expected_after(13));
  EXPECT_EQ(token(*one).position, 16);
  one->branch = {1, 14};
  one->send_states(14, 18);
  one->finish(17);
  const TokenMessage answer = token(*one);
  EXPECT_EQ(answer.id, expected_after(17));
  EXPECT_EQ(answer.branch, 1);
  EXPECT_EQ(snapshot().layer_tokens, (17 + 4) * kUpperLayers);
  EXPECT_EQ(snapshot().nacks, 0);
}

TEST_F(BranchesTest, AFinishAloneBeginsOneToo) {
  start();
  const auto one = device();
  one->send_states(0, 14);
  one->send_wrong_states(14, 18);
  one->finish(15);
  EXPECT_EQ(token(*one).position, 15);
  one->branch = {4, 14};
  one->finish(15);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{14, 16}));
  one->send_states(14, 16);
  EXPECT_EQ(token(*one).id, expected_after(15));
}

TEST_F(BranchesTest, WhatIsSaidLateOfAnOldBranchIsHarmless) {
  start();
  const auto one = device();
  one->send_states(0, 14);
  one->finish(20);  // waits for states, until its branch is left
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{14, 21}));
  one->branch = {2, 14};
  one->finish(13);
  EXPECT_EQ(token(*one).id, expected_after(13));
  EXPECT_EQ(snapshot().waiting, 0);
  one->branch = {1, 0};
  one->send_wrong_states(14, 18);
  one->finish(15);
  one->branch = {};
  one->send_wrong_states(14, 18);
  one->finish(15);
  expect_silence(*one);
  one->branch = {2, 14};
  one->send_states(14, 18);
  one->finish(17);
  EXPECT_EQ(token(*one).id, expected_after(17));
  EXPECT_EQ(snapshot().layer_tokens, 18 * kUpperLayers);
}

TEST_F(BranchesTest, ASessionAsksForNoMoreThanItMay) {
  start();
  const auto one = device();
  for (int64_t position = 20; position < 85; ++position) one->finish(position);
  EXPECT_EQ(snapshot().waiting, 65);
  one->finish(85);
  const auto busy = one->hear<BusyMessage>(*manager_);
  ASSERT_TRUE(busy.has_value());
  EXPECT_EQ(busy->position, 85);
  one->say(CloseMessage());
  EXPECT_EQ(snapshot().waiting, 0);
}

// Two pages, one of them for a session that waits for states.
TEST_F(BranchesTest, WhoCannotHaveAllItAsksIsAnsweredWhatItCan) {
  start({}, 64);
  const auto one = device("1"), two = device("2");
  one->finish(20, 5);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{0, 21}));
  two->send_states(0, 18);
  two->finish(40, 5);  // in a second page
  two->finish(15, 5);
  const TokenMessage answer = token(*two);
  EXPECT_EQ(answer.position, 15);
  EXPECT_EQ(answer.id, expected_after(15));
  one->send_states(0, 21);
  EXPECT_EQ(token(*one).id, expected_after(20));
  clock_.advance(6);
  EXPECT_EQ(snapshot().waiting, 0);
}

TEST_F(BranchesTest, TheNewestConnectionHasTheSession) {
  start();
  const auto one = device();
  one->send_states(0, 14);
  const auto two = device();
  one->branch = {1, 3};
  one->send_wrong_states(3, 14);
  const auto failure = one->hear<FailureMessage>(*manager_);
  ASSERT_TRUE(failure.has_value());
  EXPECT_TRUE(failure->error.message.starts_with("no session is open on this channel"));
  one->say(CloseMessage());
  two->finish(13);
  EXPECT_EQ(token(*two).id, expected_after(13));
  EXPECT_EQ(snapshot().sessions, 1);
}

}  // namespace
}  // namespace verge::serve
