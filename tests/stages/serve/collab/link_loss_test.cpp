// What a lost link, a server that does not answer, and one that is full do to a text: the tokens
// that could not be asked for are the device's, and marked; none is lost or doubled, and all others
// are the whole model's.

#include <eventually.hpp>
#include <manual_clock.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

const char* const kLossPrompt = "The duke of the city said to his men, we must go";

class LinkLossTest : public ::testing::Test {
 protected:
  using Watch = WatchedChannel::Watch;
  std::unique_ptr<CloudLink> watched_link(TestServer& server, Watch watch) {
    auto link = std::make_unique<CloudLink>(
        [&server, watch]() -> Result<std::unique_ptr<Channel>> {
          return std::unique_ptr<Channel>(new WatchedChannel(server.connect(), watch));
        },
        hello_of(split()), limits_of(), CloudLinkOptions{.retry_s = 0.001});
    wait_until_up(*link);
    return link;
  }
  static void wait_until_up(const CloudLink& link) {
    EXPECT_TRUE(test::eventually([&] { return link.is_up(); })) << link.status().error().message;
  }
  std::unique_ptr<EdgeDriver> asking_driver(CloudLink& link, EdgeOptions options = asking("f32")) {
    return asking_driver(link, std::move(options), clock_);
  }
  std::unique_ptr<EdgeDriver> asking_driver(CloudLink& link, EdgeOptions options,
                                            const Clock& clock) {
    options.want_logprobs = true;
    auto driver = EdgeDriver::create(*SharedModels::get().edge, split(), options, clock, &link);
    EXPECT_TRUE(driver.ok()) << driver.error().message;
    EXPECT_TRUE((*driver)->append(prompt_).ok());
    return std::move(*driver);
  }
  // Every token of the server is what the whole model says after the text before it, to the last
  // bit of its probability: so its keys and values are those of a run without any loss.
  void expect_whole_models(std::span<const CollabToken> tokens) {
    WholeModel whole(prompt_);
    for (size_t i = 0; i < tokens.size(); ++i) {
      const CollabToken& token = tokens[i];
      if (token.place == TokenPlace::Cloud) {
        EXPECT_EQ(token.id, whole.next()) << i;
        EXPECT_EQ(token.logprob.value_or(1), whole.logprob(token.id)) << i;
      }
      whole.append(token.id);
    }
  }
  static int64_t count_of(std::span<const CollabToken> tokens, TokenPlace place) {
    return std::ranges::count(tokens, place, &CollabToken::place);
  }
  static const SplitIdentity& split() { return SharedModels::get().split; }

  SystemClock clock_;
  const std::vector<int32_t> prompt_ = prompt_tokens(kLossPrompt);
};

TEST_F(LinkLossTest, ACutAtAnyStepLosesNoTokenAndDoublesNone) {
  for (const CollabKind kind : {CollabKind::States, CollabKind::Finish, CollabKind::Token}) {
    for (const int after : {1, 2, 9}) {
      TestServer server(split(), clock_, 1024);
      std::atomic<int> seen = 0;
      const auto link = watched_link(server, [&seen, kind, after](const Message& message) {
        const bool is_cut = is_of(message, kind) && ++seen == after;
        return is_cut ? Fate::CutBefore : Fate::Passes;
      });
      const auto driver = asking_driver(*link);
      std::vector<CollabToken> tokens;
      for (int i = 0; i < 24; ++i) {
        wait_until_up(*link);
        const auto token = driver->next();
        ASSERT_TRUE(token.ok()) << token.error().message;
        tokens.push_back(*token);
      }
      EXPECT_EQ(link->connections(), 2);
      EXPECT_LE(count_of(tokens, TokenPlace::Degraded), 1);
      EXPECT_EQ(tokens.back().place, TokenPlace::Cloud);
      expect_whole_models(tokens);
    }
  }
}

TEST_F(LinkLossTest, WithoutAnyServerTheTextGoesOn) {
  CloudLink link([]() -> Result<std::unique_ptr<Channel>> { return make_error(Code::Io, "none"); },
                 hello_of(split()), limits_of(), CloudLinkOptions{.retry_s = 0.001});
  ASSERT_TRUE(test::eventually([&] { return link.status().error().message == "none"; }));
  const auto driver = asking_driver(link);
  const std::vector<CollabToken> tokens = generate(*driver, 20);
  EXPECT_EQ(count_of(tokens, TokenPlace::Degraded), 20);
  for (const CollabToken& token : tokens) EXPECT_EQ(token.reason, TokenReason::LinkDown);
  EXPECT_EQ(driver->metrics().waiting_s, 0);
}

TEST_F(LinkLossTest, AServerThatIsDeletedLeavesAnAnswerThatGoesOn) {
  auto server = std::make_unique<TestServer>(split(), clock_, 1024);
  const auto link = watched_link(*server, [](const Message&) { return Fate::Passes; });
  const auto driver = asking_driver(*link);
  std::vector<CollabToken> tokens = generate(*driver, 5);
  EXPECT_EQ(count_of(tokens, TokenPlace::Cloud), 5);
  server->stop();
  ASSERT_TRUE(test::eventually([&] { return !link->is_up(); }));
  for (const CollabToken& token : generate(*driver, 5)) {
    EXPECT_EQ(token.place, TokenPlace::Degraded);
    tokens.push_back(token);
  }
  expect_whole_models(tokens);
}

// Requests that are lost on the way: the first one is waited for until its deadline, later ones are
// not, and the first that gets through brings the server back.
TEST_F(LinkLossTest, SilenceIsWaitedForOnceAndThenProbed) {
  TestServer server(split(), clock_, 1024);
  test::ManualClock device_clock;
  std::atomic<bool> is_silent = true;
  const auto link = watched_link(server, [&](const Message& message) {
    if (!is_silent || !is_of(message, CollabKind::Finish)) return Fate::Passes;
    device_clock.advance(601);  // beyond the deadline
    return Fate::Lost;
  });
  const auto driver = asking_driver(*link, asking("f32"), device_clock);
  std::vector<CollabToken> tokens;
  for (int i = 0; i < 10; ++i) {
    tokens.push_back(generate(*driver, 1).at(0));
    device_clock.advance(1);  // to the next probe
  }
  EXPECT_EQ(tokens[0].reason, TokenReason::TimedOut);
  for (size_t i = 1; i < tokens.size(); ++i) EXPECT_EQ(tokens[i].reason, TokenReason::LinkDown);
  EXPECT_EQ(driver->metrics().asked, 1);
  EXPECT_EQ(driver->metrics().probes, 9);
  is_silent = false;
  const int64_t received = link->counters().messages_received;
  const auto probe = generate(*driver, 2);
  EXPECT_EQ(driver->metrics().probes, 10);  // one is under way: there is no second
  tokens.insert(tokens.end(), probe.begin(), probe.end());
  EXPECT_TRUE(test::eventually([&] { return link->counters().messages_received > received; }));
  EXPECT_TRUE(test::eventually([&] {
    tokens.push_back(generate(*driver, 1).at(0));
    return tokens.back().place == TokenPlace::Cloud;
  }));
  expect_whole_models(tokens);
}

// What is still on its way when its deadline has passed holds no probe back.
TEST_F(LinkLossTest, ALinkThatIsSlowToSendIsProbed) {
  class SlowChannel : public WatchedChannel {
   public:
    using WatchedChannel::WatchedChannel;
    int64_t unsent_bytes() const override { return 1; }
  };
  TestServer server(split(), clock_, 1024);
  test::ManualClock device_clock;
  CloudLink link(
      [&]() -> Result<std::unique_ptr<Channel>> {
        return std::unique_ptr<Channel>(
            new SlowChannel(server.connect(), [&](const Message& message) {
              if (!is_of(message, CollabKind::Finish)) return Fate::Passes;
              device_clock.advance(601);
              return Fate::Lost;
            }));
      },
      hello_of(split()), limits_of(), CloudLinkOptions{.retry_s = 0.001});
  wait_until_up(link);
  const auto driver = asking_driver(link, asking("f32"), device_clock);
  EXPECT_EQ(generate(*driver, 1).at(0).reason, TokenReason::TimedOut);
  device_clock.advance(1);
  (void)generate(*driver, 1);
  EXPECT_EQ(driver->metrics().probes, 1);
}

TEST_F(LinkLossTest, AFullServerSaysSo) {
  TestServer server(split(), clock_, 1024, {.max_waiting = 0, .fills_prompts = false});
  const auto link = watched_link(server, [](const Message&) { return Fate::Passes; });
  EdgeOptions options = asking("f32");
  options.policy.probe_interval_s = 1000;
  const auto driver = asking_driver(*link, options);
  const std::vector<CollabToken> tokens = generate(*driver, 4);
  EXPECT_EQ(tokens[0].reason, TokenReason::Busy);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(tokens[i].reason, TokenReason::LinkDown);
  EXPECT_EQ(count_of(tokens, TokenPlace::Degraded), 4);
}

// States that are lost on the way are asked for again, and no more than those.
TEST_F(LinkLossTest, LostStatesAreSentAgain) {
  TestServer server(split(), clock_, 1024);
  std::atomic<int> states = 0;
  const auto link = watched_link(server, [&](const Message& message) {
    const bool is_lost = is_of(message, CollabKind::States) && ++states % 3 == 1 && states < 40;
    return is_lost ? Fate::Lost : Fate::Passes;
  });
  const auto driver = asking_driver(*link);
  const std::vector<CollabToken> tokens = generate(*driver, 40);
  EXPECT_EQ(count_of(tokens, TokenPlace::Cloud), 40);
  EXPECT_GT(driver->metrics().sent_again, 0);
  expect_whole_models(tokens);
}

}  // namespace
}  // namespace verge::serve
