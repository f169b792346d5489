#include <eventually.hpp>
#include <gtest/gtest.h>
#include <test_fleet.hpp>

#include <verge/platform/fleet/meeting.hpp>
#include <verge/platform/fleet/node_host.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>

namespace verge::fleet {
namespace {

constexpr double kAnswer_s = 60;

// Sends back what it hears.
void echo(const net::CertificateFacts&, std::unique_ptr<Channel> channel) {
  for (;;) {
    auto message = channel->receive(kAnswer_s);
    if (!message || !*message || !channel->send(std::move(**message))) return;
  }
}

class NodeHostTest : public testing::Test {
 protected:
  void SetUp() override {
    auto host = NodeHost::start(
        cloud_, {.node = "cloud", .software = "0.1.0", .role = Role::Cloud, .cores = 3},
        test::now_unix_s(), {}, {{"echo", echo}, {"authority", echo}, {"counters", echo}},
        [this](const net::CertificateFacts& facts, const Capability& peer) {
          met_.push_back(facts.node + " " + peer.software);
        });
    ASSERT_TRUE(host) << host.error().message;
    host_ = std::move(*host);
  }

  Result<std::unique_ptr<Channel>> dial(const std::string& service) {
    return net::dial(fmt::format("127.0.0.1:{}", host_->port()), phone_, test::now_unix_s(),
                     {.service = service, .timeout_s = kAnswer_s});
  }

  static void expect_echo(Channel& channel, const std::string& text) {
    ASSERT_TRUE(channel.send({.kind = 7, .body = text}));
    const auto answer = channel.receive(kAnswer_s);
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_TRUE(*answer);
    EXPECT_EQ((*answer)->body, text);
  }

  test::TestFleet fleet_;
  net::Credentials cloud_ = fleet_.node("cloud");
  net::Credentials phone_ = fleet_.node("phone");
  std::vector<std::string> met_;
  std::unique_ptr<NodeHost> host_;
};

TEST_F(NodeHostTest, GreetsWhoDials) {
  auto channel = dial(std::string(kService));
  ASSERT_TRUE(channel) << channel.error().message;
  const Hello own{.capability = {.node = "phone", .software = "0.0.9"}};
  const auto peer = greet(**channel, own, "cloud", kAnswer_s);
  ASSERT_TRUE(peer) << peer.error().message;
  EXPECT_EQ(peer->capability.cores, 3);
  EXPECT_FALSE(peer->paused);
  EXPECT_EQ(met_, std::vector<std::string>{"phone 0.0.9"});
}

TEST_F(NodeHostTest, GivesEachChannelToItsService) {
  auto one = dial("echo"), two = dial("echo");
  ASSERT_TRUE(one && two);
  expect_echo(**one, "a");
  expect_echo(**two, "b");
  EXPECT_EQ(host_->work(), 2);
  one->reset();
  two->reset();
  EXPECT_TRUE(test::eventually([&] { return host_->work() == 0; }));
}

TEST_F(NodeHostTest, AServiceThatIsNotThereIsNamed) {
  const auto channel = dial("collab");
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Code::NotFound) << channel.error().message;
  EXPECT_NE(channel.error().message.find("\"collab\""), std::string::npos);
}

TEST_F(NodeHostTest, APausedNodeKeepsItsWorkAndTakesNoMore) {
  auto old = dial("echo");
  ASSERT_TRUE(old);
  expect_echo(**old, "a");
  host_->pause();
  EXPECT_EQ(dial("echo").error().code, Code::Busy);
  expect_echo(**old, "b");
  auto greeting = dial(std::string(kService));
  ASSERT_TRUE(greeting);
  const auto peer =
      greet(**greeting, {.capability = {.node = "phone", .software = "0"}}, "cloud", kAnswer_s);
  ASSERT_TRUE(peer);
  EXPECT_TRUE(peer->paused);
  host_->resume();
  auto again = dial("echo");
  ASSERT_TRUE(again) << again.error().message;
  expect_echo(**again, "c");
}

// A fleet's own affairs go on at a node that takes no work.
TEST_F(NodeHostTest, WhatIsNoWorkPassesAPause) {
  host_->pause();
  for (const char* service : {"authority", "counters"}) {
    auto channel = dial(service);
    ASSERT_TRUE(channel) << channel.error().message;
    expect_echo(**channel, service);
    EXPECT_EQ(host_->work(), 0);
  }
}

TEST_F(NodeHostTest, StoppingEndsWhatRuns) {
  auto channel = dial("echo");
  ASSERT_TRUE(channel);
  expect_echo(**channel, "a");
  host_->stop(0);
  EXPECT_EQ(host_->work(), 0);
  EXPECT_FALSE((*channel)->receive(kAnswer_s));
}

}  // namespace
}  // namespace verge::fleet
