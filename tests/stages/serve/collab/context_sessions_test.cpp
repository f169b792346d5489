#include <filesystem>

#include <temporary_folder.hpp>

#include "context_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

class ContextSessionsTest : public ManagerFixture {};

TEST_F(ContextSessionsTest, WhatIsMissingIsAskedForOnce) {
  start({.fills_prompts = false});
  const auto one = device();
  one->send_states(0, 4);
  one->send_states(8, 14);
  one->finish(15);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{4, 8}));
  for (int i = 0; i < 5; ++i) manager_->step();
  one->send_states(4, 8);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{14, 16}));
  one->send_states(14, 16);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(snapshot().nacks, 2);
}

TEST_F(ContextSessionsTest, MessagesThatComeTwiceOrLateChangeNothing) {
  start();
  const auto one = device();
  one->send_states(9, 14);
  one->send_states(0, 9);
  one->send_states(5, 14);
  one->finish(12);
  one->finish(13);
  one->finish(13);
  one->finish(12);
  std::optional<TokenMessage> token;
  do {
    token = one->hear<TokenMessage>(*manager_);
  } while (token && token->position != 13);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->id, expected_after(13));
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  EXPECT_EQ(snapshot().layer_tokens, 14 * kUpperLayers);
}

TEST_F(ContextSessionsTest, AnOlderPositionIsComputedAgain) {
  start();
  const auto one = device();
  one->send_states(0, 18);
  one->finish(17);
  EXPECT_EQ(answer(*one), expected_after(17));
  one->finish(14);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{14, 15}));
  one->send_states(14, 18);
  EXPECT_EQ(answer(*one), expected_after(14));
  one->finish(17);
  EXPECT_EQ(answer(*one), expected_after(17));
}

TEST_F(ContextSessionsTest, AClosedSessionIsGone) {
  start();
  const auto one = device();
  one->send_states(0, 18);
  one->finish(15);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages() - 1);
  one->say(CloseMessage());
  EXPECT_EQ(snapshot().sessions, 0);
  EXPECT_EQ(snapshot().states_bytes, 0);
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
  one->finish(15);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{0, 16}));
}

// Open files of this process that have no name any more, in a folder.
int64_t nameless_files(const std::string& folder) {
  int64_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    count += target.starts_with(folder) && target.ends_with(" (deleted)") ? 1 : 0;
  }
  return count;
}

TEST_F(ContextSessionsTest, TheFileOfAClosedSessionIsGoneAndThatOfAReconnectedOneIsUsed) {
  const test::TemporaryFolder folder;
  start({.states_bytes = 20 * SharedModels::get().split.width * 4,
         .spill_folder = folder.path(),
         .spill_codec = "f32"},
        64);  // two pages
  auto one = device("1");
  const auto two = device("2"), three = device("3");
  for (RawDevice* each : {&*one, &*two, &*three}) {
    each->send_states(0, 14);
    each->finish(13);
    EXPECT_EQ(answer(*each), expected_after(13));
  }
  two->send_states(14, 15);
  EXPECT_GE(snapshot().evictions, 1);
  EXPECT_GT(snapshot().spilled_bytes, 0);
  EXPECT_EQ(nameless_files(folder.path()), 2);
  one.reset();
  one = device("1");
  EXPECT_EQ(accepted_.held, 14);
  one->send_states(14, 16);
  one->finish(15);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(snapshot().nacks, 0);
  EXPECT_GT(snapshot().restored, 0);
  for (RawDevice* each : {&*one, &*two, &*three}) each->say(CloseMessage());
  EXPECT_EQ(snapshot().spilled_bytes, 0);
  EXPECT_EQ(nameless_files(folder.path()), 0);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST_F(ContextSessionsTest, SessionsAreCounted) {
  start({.max_sessions = 1});
  const auto one = device("1");
  EXPECT_EQ(accepted_.session, "1");
  RawDevice two(*manager_, text_, kPromptLength, {"tenant", "device"}, "2");
  const auto failure = two.hear<FailureMessage>(*manager_);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error.code, Code::Busy);
  one->say(CloseMessage());
  const auto three = device("3");
  EXPECT_EQ(accepted_.session, "3");
}

TEST_F(ContextSessionsTest, LeasesEnd) {
  start({.lease_s = 10});
  const auto one = device();
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  clock_.advance(9);
  EXPECT_EQ(snapshot().sessions, 1);
  clock_.advance(2);
  EXPECT_EQ(snapshot().sessions, 0);
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
}

TEST_F(ContextSessionsTest, NobodyIsAnsweredAfterTheDeadline) {
  start();
  const auto one = device();
  one->finish(13, 5);
  EXPECT_EQ(snapshot().waiting, 1);
  clock_.advance(6);
  EXPECT_EQ(snapshot().waiting, 0);
  one->send_states(0, 14);
  while (manager_->step()) continue;
  EXPECT_EQ(snapshot().tokens, 0);
  one->finish(13, 5);
  EXPECT_EQ(answer(*one), expected_after(13));
}

TEST_F(ContextSessionsTest, AReconnectedDeviceGoesOnWhereItWas) {
  start();
  auto one = device();
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  one.reset();
  one = device();
  EXPECT_EQ(accepted_.held, 14);
  one->send_states(14, 17);
  one->finish(16);
  EXPECT_EQ(answer(*one), expected_after(16));
  EXPECT_EQ(snapshot().layer_tokens, 17 * kUpperLayers);
}

TEST_F(ContextSessionsTest, SessionsBelongToTheirTenantAndDevice) {
  start();
  const auto one = device();
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  const auto other_tenant = device("s", {"other", "device"});
  EXPECT_EQ(accepted_.held, 0);
  const auto other_device = device("s", {"tenant", "other"});
  EXPECT_EQ(accepted_.held, 0);
  EXPECT_EQ(snapshot().sessions, 3);
}

TEST_F(ContextSessionsTest, NonsenseIsAnsweredAndTheRestServed) {
  start();
  const auto one = device("1"), two = device("2");
  two->send_states(0, 14);
  EXPECT_TRUE(one->channel().send({4, "\xff\xff", {}}, Channel::Lane::Normal).ok());
  const auto failure = one->hear<FailureMessage>(*manager_);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error.code, Code::Malformed);
  two->finish(13);
  EXPECT_EQ(answer(*two), expected_after(13));
}

TEST_F(ContextSessionsTest, WhoHasNotSaidHelloIsNotServed) {
  start();
  net::ChannelPair pair = net::make_channel_pair();
  const std::shared_ptr<Channel> end = std::move(pair.second);
  const std::jthread serving([&] { (void)manager_->serve(*end, {"t", "d"}); });
  EXPECT_TRUE(pair.first->send(to_message(FinishMessage{.position = 3})).ok());
  std::optional<Message> answer;
  EXPECT_TRUE(test::eventually([&] {
    manager_->step();
    auto received = pair.first->receive(0);
    if (received.ok() && *received) answer = std::move(**received);
    return answer.has_value();
  }));
  const auto read = read_message(*answer, limits_of());
  EXPECT_TRUE(std::get<FailureMessage>(**read).error.message.ends_with("say hello first"));
  EXPECT_EQ(snapshot().sessions, 0);
  pair.first->close();
}

}  // namespace
}  // namespace verge::serve
