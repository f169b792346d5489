#include <eventually.hpp>

#include <verge/stages/serve/collab/recall.hpp>

#include "context_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

// A device that may be killed: what it would say at its end, it does not.
class RecallTest : public ::testing::Test {
 protected:
  struct Device {
    std::unique_ptr<CloudLink> link;
    std::unique_ptr<EdgeDriver> driver;
  };
  Device device(TestServer& server, const std::string& session, int64_t drafts) {
    HelloMessage hello = hello_of(SharedModels::get().split, session);
    hello.wants_tokens = true;
    Device made;
    made.link = std::make_unique<CloudLink>(
        [&server]() -> Result<std::unique_ptr<Channel>> {
          return std::unique_ptr<Channel>(
              new WatchedChannel(server.connect(), [](const Message& message) {
                return is_of(message, CollabKind::Close) ? Fate::Lost : Fate::Passes;
              }));
        },
        hello, limits_of());
    EXPECT_TRUE(test::eventually([&] { return made.link->is_up(); }));
    EdgeOptions options = asking("f32");
    options.policy.theta1 = 0.6;
    options.policy.theta2 = 0.95;
    options.sampling = {.temperature = 0.8f, .top_k = 0, .seed = 11};
    options.draft_tokens = drafts;
    options.audit = true;
    auto driver = EdgeDriver::create(*SharedModels::get().edge, SharedModels::get().split, options,
                                     clock_, made.link.get());
    EXPECT_TRUE(driver.ok()) << driver.error().message;
    made.driver = std::move(*driver);
    return made;
  }
  // What the server was told by then.
  static void wait_until_told(TestServer& server, size_t tokens) {
    EXPECT_TRUE(test::eventually(
        [&] { return server.manager().snapshot().told_tokens == static_cast<int64_t>(tokens); }));
  }

  SystemClock clock_;
  const std::vector<int32_t> prompt_ = prompt_tokens("And he said to them: the city is");
};

TEST_F(RecallTest, AKilledDevicesAnswerGoesOn) {
  TestServer server(SharedModels::get().split, clock_, 2048);
  size_t told_tokens = 0;
  for (const int64_t drafts : {0, 5}) {
    const Device whole = device(server, fmt::format("whole {}", drafts), drafts);
    ASSERT_TRUE(whole.driver->append(prompt_).ok());
    const std::vector<int32_t> expected = ids_of(generate(*whole.driver, 40));
    told_tokens += prompt_.size() + 40;
    wait_until_told(server, told_tokens);

    const std::string session = fmt::format("killed {}", drafts);
    auto killed = std::make_optional(device(server, session, drafts));
    const auto nothing = recall(*killed->link, 60);
    ASSERT_TRUE(nothing.ok()) << nothing.error().message;
    EXPECT_TRUE(nothing->ids.empty());
    ASSERT_TRUE(killed->driver->append(prompt_).ok());
    generate(*killed->driver, 17);
    wait_until_told(server, told_tokens + prompt_.size() + 17);
    killed.reset();

    const Device again = device(server, session, drafts);
    const auto told = recall(*again.link, 60);
    ASSERT_TRUE(told.ok()) << told.error().message;
    const auto said = again.driver->take_over(prompt_, *told);
    ASSERT_TRUE(said.ok()) << said.error().message;
    EXPECT_EQ(*said, std::vector<int32_t>(expected.begin(), expected.begin() + 17));
    const std::vector<int32_t> rest = ids_of(generate(*again.driver, 23));
    EXPECT_EQ(rest, std::vector<int32_t>(expected.begin() + 17, expected.end())) << drafts;
    EXPECT_EQ(again.driver->metrics().sent_again, 0) << "the server had all states";
    told_tokens += prompt_.size() + 40;
    wait_until_told(server, told_tokens);
  }
}

// It was told nothing of a device that was killed at once; what that had sent is not mixed with
// another prompt's.
TEST_F(RecallTest, AnotherTextInTheSameSessionIsApart) {
  TestServer server(SharedModels::get().split, clock_, 2048);
  const std::vector<int32_t> other = prompt_tokens("Once upon a time there was a man who");
  const Device whole = device(server, "whole", 2);
  ASSERT_TRUE(whole.driver->append(prompt_).ok());
  const std::vector<int32_t> expected = ids_of(generate(*whole.driver, 20));
  {
    RawDevice killed(server.manager(), other, 5, {"tenant", "device"}, "killed");
    killed.branch = {2, 3};
    killed.send_states(0, 8);
    killed.finish(6);
  }
  const Device again = device(server, "killed", 2);
  const auto told = recall(*again.link, 60);
  ASSERT_TRUE(told.ok()) << told.error().message;
  EXPECT_TRUE(told->ids.empty());
  ASSERT_TRUE(again.driver->take_over(prompt_, *told).ok());
  EXPECT_EQ(ids_of(generate(*again.driver, 20)), expected);
}

// The server has forgotten keys, values and states, but not what it was told.
TEST_F(RecallTest, SoDoesOneWhoseStatesWereEvicted) {
  TestServer server(SharedModels::get().split, clock_, 64);
  Device other = device(server, "whole", 0);
  ASSERT_TRUE(other.driver->append(prompt_).ok());
  const std::vector<int32_t> expected = ids_of(generate(*other.driver, 30));
  auto killed = std::make_optional(device(server, "killed", 3));
  ASSERT_TRUE(killed->driver->append(prompt_).ok());
  const std::vector<int32_t> first = ids_of(generate(*killed->driver, 9));
  wait_until_told(server, 2 * prompt_.size() + 39);
  killed.reset();
  generate(*other.driver, 10);
  EXPECT_GT(server.manager().snapshot().evictions, 1);
  const Device again = device(server, "killed", 3);
  const auto told = recall(*again.link, 60);
  ASSERT_TRUE(told.ok()) << told.error().message;
  const auto said = again.driver->take_over(prompt_, *told);
  ASSERT_TRUE(said.ok()) << said.error().message;
  EXPECT_EQ(*said, first);
  const std::vector<int32_t> rest = ids_of(generate(*again.driver, 21));
  EXPECT_EQ(rest, std::vector<int32_t>(expected.begin() + 9, expected.end()));
}

TEST_F(RecallTest, AnotherPromptIsNotGoneOnWith) {
  const std::vector<int32_t> told = {1, 2, 3};
  const auto said = said_after(std::vector<int32_t>{1, 2}, told);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(*said, std::vector<int32_t>{3});
  const auto none = said_after(told, {});
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  for (const std::vector<int32_t>& prompt : {std::vector<int32_t>{2, 2}, {1, 2, 3, 4}}) {
    const auto other = said_after(prompt, told);
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().code, Code::Conflict);
  }
}

TEST_F(RecallTest, WhoIsNotAnsweredIsToldSo) {
  CloudLink link([]() -> Result<std::unique_ptr<Channel>> { return make_error(Code::Io, "none"); },
                 hello_of(SharedModels::get().split), limits_of());
  const auto told = recall(link, 0.001);
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().code, Code::Io);
}

class ToldTest : public ManagerFixture {
 protected:
  std::vector<int32_t> asked_again(const std::string& session, const CollabPeer& peer) {
    RawDevice device(*manager_, text_, kPromptLength, peer, session, true);
    return device.hear<TokensMessage>(*manager_).value_or(TokensMessage{0, {-1}}).ids;
  }
};

TEST_F(ToldTest, IsKeptForTheSessionAlone) {
  start();
  const auto one = device();
  one->say(TokensMessage{0, {5, 6, 7}});
  one->say(TokensMessage{3, {8}});
  one->say(TokensMessage{2, {9}});     // of the device's last word
  one->say(TokensMessage{5, {1, 2}});  // those between never came
  EXPECT_EQ(snapshot().told_tokens, 3);
  EXPECT_EQ(asked_again("s", {"tenant", "device"}), (std::vector<int32_t>{5, 6, 9}));
  EXPECT_EQ(asked_again("t", {"tenant", "device"}), std::vector<int32_t>());
  EXPECT_EQ(asked_again("s", {"tenant", "other"}), std::vector<int32_t>());
  EXPECT_EQ(asked_again("s", {"other", "device"}), std::vector<int32_t>());
  device()->say(CloseMessage());  // the session is the newest connection's
  EXPECT_EQ(snapshot().told_tokens, 0);
  EXPECT_EQ(asked_again("s", {"tenant", "device"}), std::vector<int32_t>());
}

TEST_F(ToldTest, ItSaysWhichBranchItHeardOf) {
  start();
  const auto one = device();
  one->branch = {3, 5};
  one->finish(20);
  one->say(TokensMessage{0, {5}, one->branch});
  manager_->step();
  RawDevice again(*manager_, text_, kPromptLength, {"tenant", "device"}, "s", true);
  EXPECT_EQ(again.hear<TokensMessage>(*manager_), (TokensMessage{0, {5}, {3, 0}}));
}

}  // namespace
}  // namespace verge::serve
