#include <atomic>
#include <stop_token>

#include <eventually.hpp>
#include <gtest/gtest.h>

#include <verge/platform/net/link/channel_pair.hpp>
#include <verge/stages/serve/collab/cloud_link.hpp>

namespace verge::serve {
namespace {

// The servers' ends of all connections that a link has made.
class LinkTest : public ::testing::Test {
 protected:
  CloudLink::Connect connect() {
    return [this]() -> Result<std::unique_ptr<Channel>> {
      net::ChannelPair pair = net::make_channel_pair({.send_window_bytes = 100, .limits = {}});
      const std::lock_guard lock(mutex_);
      ends_.push_back(std::move(pair.second));
      return std::move(pair.first);
    };
  }
  // The end of the n-th connection, whose hello has come.
  Channel& greeted(size_t n) {
    EXPECT_TRUE(test::eventually([&] {
      const std::lock_guard lock(mutex_);
      return ends_.size() > n;
    }));
    Channel* end = nullptr;
    {
      const std::lock_guard lock(mutex_);
      end = ends_[n].get();
    }
    const auto hello = end->receive(60);
    EXPECT_TRUE(hello.ok() && *hello);
    EXPECT_EQ((**hello).kind, static_cast<uint32_t>(CollabKind::Hello));
    return *end;
  }
  Channel& accepted(size_t n) {
    Channel& end = greeted(n);
    EXPECT_TRUE(end.send(to_message(AcceptMessage{.session = "s", .codecs = {"f16"}})).ok());
    return end;
  }
  static void wait_for(const CloudLink& link, bool is_up) {
    EXPECT_TRUE(test::eventually([&] { return link.is_up() == is_up; }));
  }

  const HelloMessage hello_ = {.split = {.model_hash = "m",
                                         .tokenizer_hash = "t",
                                         .exit1 = 1,
                                         .exit2 = 2,
                                         .layers = 3,
                                         .width = 4},
                               .codecs = {"f16"},
                               .session = "s"};
  const CollabLimits limits_ = {.width = 4, .vocab = 10, .context = 64};
  const CloudLinkOptions soon_ = {.retry_s = 0.001};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Channel>> ends_;
};

TEST_F(LinkTest, ComesUpAgainAfterEachLoss) {
  CloudLink link(connect(), hello_, limits_, soon_);
  EXPECT_FALSE(link.is_up());
  for (size_t n = 0; n < 3; ++n) {
    Channel& end = accepted(n);
    wait_for(link, true);
    EXPECT_EQ(link.connections(), static_cast<int64_t>(n) + 1);
    EXPECT_TRUE(link.status().ok());
    EXPECT_TRUE(end.send(to_message(NackMessage{1, 2})).ok());
    EXPECT_TRUE(link.receive(60).has_value());
    end.close();
    EXPECT_TRUE(test::eventually(
        [&] { return link.connections() == static_cast<int64_t>(n) + 1 && !link.is_up(); }));
    EXPECT_EQ(link.send(to_message(CloseMessage())).error().code, Code::Io);
    EXPECT_EQ(link.receive(0), std::nullopt);
  }
  EXPECT_GE(link.counters().messages_received, 6);
}

// Who ends does not wait for a server that is being dialled.
TEST_F(LinkTest, ItsEndEndsAnAttemptToConnect) {
  std::stop_source stop;
  std::atomic<bool> is_dialling = false;
  const auto dial_for_ever = [&]() -> Result<std::unique_ptr<Channel>> {
    is_dialling = true;
    EXPECT_TRUE(test::eventually([&] { return stop.stop_requested(); }));
    return make_error(Code::Cancelled, "given up");
  };
  CloudLink link(dial_for_ever, hello_, limits_, {.on_end = [&] { stop.request_stop(); }});
  EXPECT_TRUE(test::eventually([&] { return is_dialling.load(); }));
}

TEST_F(LinkTest, ARefusalIsFinal) {
  CloudLink link(connect(), hello_, limits_, soon_);
  Channel& end = greeted(0);
  EXPECT_TRUE(end.send(to_message(FailureMessage{{Code::Conflict, "another model"}})).ok());
  link.wait(1e6);
  EXPECT_TRUE(link.is_refused());
  EXPECT_EQ(link.status().error().message, "another model");
  EXPECT_FALSE(link.is_up());
}

TEST_F(LinkTest, AFullServerIsTriedAgain) {
  CloudLink link(connect(), hello_, limits_, soon_);
  EXPECT_TRUE(greeted(0).send(to_message(FailureMessage{{Code::Busy, "full"}})).ok());
  accepted(1);
  wait_for(link, true);
  EXPECT_FALSE(link.is_refused());
}

TEST_F(LinkTest, AServerThatSaysNothingIsTriedAgain) {
  CloudLink link(connect(), hello_, limits_, {.retry_s = 0.001, .accept_s = 0.001});
  greeted(0);
  EXPECT_TRUE(test::eventually(
      [&] { return link.status().error().message == "the server did not answer within 0.001 s"; }));
  EXPECT_TRUE(test::eventually([&] {
    const std::lock_guard lock(mutex_);
    return ends_.size() > 1;
  }));
  EXPECT_FALSE(link.is_refused());
}

TEST_F(LinkTest, AFullWindowIsSaidAndNotWaitedFor) {
  CloudLink link(connect(), hello_, limits_, soon_);
  accepted(0);
  wait_for(link, true);
  Status status;
  for (int i = 0; i < 100 && status; ++i) {
    status = link.send(to_message(FinishMessage{.position = i % 64}));
  }
  EXPECT_EQ(status.error().code, Code::Busy);
  EXPECT_GT(link.unsent_bytes(), 0);
  EXPECT_TRUE(link.is_up());
}

TEST_F(LinkTest, NonsenseEndsTheConnection) {
  CloudLink link(connect(), hello_, limits_, soon_);
  Channel& end = accepted(0);
  wait_for(link, true);
  EXPECT_TRUE(end.send({.kind = 99, .body = "of a later version", .tensors = {}}).ok());
  EXPECT_TRUE(end.send(to_message(TokenMessage{.position = 1, .id = 10})).ok());
  EXPECT_TRUE(test::eventually([&] {
    const std::lock_guard lock(mutex_);
    return ends_.size() > 1;
  }));
}

TEST_F(LinkTest, AnEndIsToldOfItsEnd) {
  auto link = std::make_unique<CloudLink>(connect(), hello_, limits_, soon_);
  Channel& end = accepted(0);
  wait_for(*link, true);
  link.reset();
  const auto last = end.receive(60);
  ASSERT_TRUE(last.ok() && *last);
  EXPECT_EQ((**last).kind, static_cast<uint32_t>(CollabKind::Close));
  EXPECT_EQ(end.receive(60).error().code, Code::Cancelled);
}

}  // namespace
}  // namespace verge::serve
