#include <eventually.hpp>
#include <manual_clock.hpp>

#include <verge/stages/serve/collab/cloud_requests.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

// A device's requests, and a test that speaks for the server.
class CloudRequestsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_ = asking("f32");
    options_.policy.token_deadline_s = 10;
    link_ = std::make_unique<CloudLink>(
        [this]() -> Result<std::unique_ptr<Channel>> {
          net::ChannelPair pair = net::make_channel_pair();
          EXPECT_TRUE(
              pair.second->send(to_message(AcceptMessage{.session = "s", .codecs = {"f32"}})).ok());
          const std::lock_guard lock(mutex_);
          end_ = std::move(pair.second);
          return std::move(pair.first);
        },
        hello_of(SharedModels::get().split), limits_of(), CloudLinkOptions{.retry_s = 0.001});
    wait_until_up(1);
    const std::vector<int32_t> text = prompt_tokens("The king said to his men: come, let us go");
    ASSERT_TRUE(layers_.append(text, [](StateRun) {}).ok());
    requests_.emplace(*link_, layers_, options_, clock_, state_, metrics_);
    requests_->look();
  }
  void wait_until_up(int64_t connections) {
    EXPECT_TRUE(
        test::eventually([&] { return link_->is_up() && link_->connections() == connections; }));
  }
  void say(const CollabMessage& message) { EXPECT_TRUE(end_->send(to_message(message)).ok()); }
  // What the device has sent of one kind since the last look.
  template <typename Typed>
  std::vector<Typed> heard() {
    std::vector<Typed> all;
    CollabLimits limits = limits_of();
    limits.codecs = {"f32"};
    while (true) {
      const auto message = end_->receive(0);
      if (!message.ok() || !*message) return all;
      const auto read = read_message(**message, limits);
      EXPECT_TRUE(read.ok() && *read);
      if (const Typed* typed = std::get_if<Typed>(&**read)) all.push_back(*typed);
    }
  }
  std::optional<CloudAnswer> answer(int64_t position) {
    std::optional<CloudAnswer> found;
    EXPECT_TRUE(test::eventually([&] {
      requests_->look();
      found = requests_->take_answer(position);
      return found.has_value();
    }));
    return found;
  }

  test::ManualClock clock_;
  EdgeOptions options_;
  CollabPolicyState state_;
  CollabMetrics metrics_;
  std::mutex mutex_;
  std::unique_ptr<Channel> end_;
  std::unique_ptr<CloudLink> link_;
  EdgeLayers layers_ =
      std::move(*EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, 32));
  std::optional<CloudRequests> requests_;
};

TEST_F(CloudRequestsTest, EachIsAnsweredByItsPosition) {
  requests_->ask(7, 10);
  requests_->ask(9, 10);
  const auto asked = heard<FinishMessage>();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].position, 7);
  EXPECT_EQ(asked[1].position, 9);
  EXPECT_EQ(requests_->take_answer(7), std::nullopt);
  say(TokenMessage{.position = 9, .id = 3});
  say(TokenMessage{.position = 7, .id = 4, .logprob = -1});
  EXPECT_EQ(answer(7).value_or(CloudAnswer()).id, 4);
  EXPECT_EQ(answer(9).value_or(CloudAnswer()).id, 3);
  EXPECT_EQ(requests_->take_answer(9), std::nullopt);
  EXPECT_EQ(metrics_.asked, 2);
}

TEST_F(CloudRequestsTest, WhatIsTooLateIsGivenUpWithWhatFollows) {
  requests_->ask(7, 10);
  clock_.advance(5);
  requests_->ask(9, 10);
  clock_.advance(6);
  EXPECT_EQ(answer(7).value_or(CloudAnswer()).reason, TokenReason::TimedOut);
  EXPECT_EQ(answer(9).value_or(CloudAnswer()).reason, TokenReason::LinkDown);
  EXPECT_TRUE(state_.is_link_down);
  say(TokenMessage{.position = 7, .id = 4});  // late, but the server lives
  EXPECT_TRUE(test::eventually([&] {
    requests_->look();
    return !state_.is_link_down;
  }));
  EXPECT_EQ(requests_->take_answer(7), std::nullopt);
}

TEST_F(CloudRequestsTest, AFullServerIsAReason) {
  requests_->ask(7, 10);
  requests_->ask(9, 10);
  say(BusyMessage{9, 3, 5});  // of a branch that is none of ours
  say(BusyMessage{9, 3});
  EXPECT_EQ(answer(9).value_or(CloudAnswer()).reason, TokenReason::Busy);
  EXPECT_EQ(state_.next_probe_s, clock_.seconds() + 3);
  EXPECT_EQ(requests_->take_answer(7), std::nullopt);  // it was taken
  say(FailureMessage{{Code::Internal, "why"}});
  EXPECT_EQ(answer(7).value_or(CloudAnswer()).reason, TokenReason::Refused);
}

TEST_F(CloudRequestsTest, AnswersOfABranchThatWasLeftAreNone) {
  requests_->ask(7, 10);
  requests_->ask(9, 10);
  requests_->rewind(8, true);
  requests_->ask(9, 10);
  say(TokenMessage{.position = 9, .id = 3});
  say(TokenMessage{.position = 9, .id = 5, .branch = 1});
  EXPECT_EQ(answer(9).value_or(CloudAnswer()).id, 5);
  const auto asked = heard<FinishMessage>();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[1].branch, TextBranch());
  EXPECT_EQ(asked[2].branch, (TextBranch{1, 8}));
}

TEST_F(CloudRequestsTest, ALostConnectionThatIsThereAgainIsAskedAgain) {
  requests_->ask(7, 10);
  requests_->ask(9, 10);
  EXPECT_EQ(heard<FinishMessage>().size(), 2u);
  end_->close();
  wait_until_up(2);
  requests_->look();
  EXPECT_EQ(heard<FinishMessage>().size(), 2u);
  EXPECT_EQ(metrics_.asked, 2);
  say(TokenMessage{.position = 7, .id = 4});
  EXPECT_EQ(answer(7).value_or(CloudAnswer()).id, 4);
}

TEST_F(CloudRequestsTest, WhatTheServerMissesItIsSent) {
  requests_->ask(9, 10);
  say(NackMessage{3, 5});
  std::vector<StatesMessage> again;
  EXPECT_TRUE(test::eventually([&] {
    requests_->look();
    const auto some = heard<StatesMessage>();
    again.insert(again.end(), some.begin(), some.end());
    return !again.empty();
  }));
  EXPECT_LE(again[0].position, 3);
  EXPECT_GE(again.back().position + again.back().tokens(), 5);
  EXPECT_EQ(metrics_.sent_again, 2);
}

TEST_F(CloudRequestsTest, OneProbeIsUnderWayAtATime) {
  observe_failure(state_, options_.policy, clock_.seconds());
  requests_->probe(7);
  requests_->probe(8);
  EXPECT_EQ(metrics_.probes, 1);
  clock_.advance(11);
  requests_->probe(9);
  EXPECT_EQ(metrics_.probes, 2);
  say(TokenMessage{.position = 9, .id = 3});
  EXPECT_TRUE(test::eventually([&] {
    requests_->look();
    return !state_.is_link_down;
  }));
  EXPECT_EQ(requests_->take_answer(9), std::nullopt);
}

TEST_F(CloudRequestsTest, StatesThatWillBeLateTakeFewerBytes) {
  options_.late_codec = "int8";
  requests_.emplace(*link_, layers_, options_, clock_, state_, metrics_);
  const auto width = static_cast<size_t>(layers_.width());
  const auto codec_of_one = [&](int64_t position) {
    requests_->push({position, 0, std::vector<float>(width, 1)});
    requests_->ask(position, 600);
    std::vector<std::string> codecs;
    while (true) {
      const auto message = end_->receive(0);
      if (!message.ok() || !*message) break;
      if (is_of(**message, CollabKind::States)) codecs.push_back((*message)->tensors.at(0).codec);
    }
    return codecs;
  };
  EXPECT_EQ(codec_of_one(20), std::vector<std::string>{"f32"});
  clock_.advance(1);
  state_.drain_bytes_per_s.add(static_cast<double>(width) * 2);  // two seconds for a state
  EXPECT_EQ(codec_of_one(21), std::vector<std::string>{"int8"});
  EXPECT_EQ(requests_->late_states(), 1);
}

}  // namespace
}  // namespace verge::serve
