#include <thread>

#include <gtest/gtest.h>

#include <verge/platform/fleet/meeting.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::fleet {
namespace {

constexpr double kLong_s = 60;

Hello hello_of(std::string node) {
  return {.capability = {.node = std::move(node), .software = "0.1.0"}};
}

// What the dialled end makes of a meeting in which the dialling one does `dial`.
struct Dialled {
  Status status;
  std::vector<std::string> met;
};
Dialled meet(std::string_view certified, const std::function<void(Channel&)>& dial) {
  net::ChannelPair ends = net::make_channel_pair();
  Dialled dialled;
  std::thread other([&] {
    dialled.status = answer_peer(
        *ends.second, [] { return hello_of("cloud"); }, certified,
        [&](const Hello& peer) { dialled.met.push_back(peer.capability.node); }, kLong_s);
    ends.second->close();
  });
  dial(*ends.first);
  ends.first->close();
  other.join();
  return dialled;
}

TEST(Meeting, EachHearsWhoTheOtherIs) {
  const Dialled dialled = meet("phone", [](Channel& channel) {
    const auto peer = greet(channel, hello_of("phone"), "cloud", kLong_s);
    ASSERT_TRUE(peer) << peer.error().message;
    EXPECT_EQ(peer->capability.node, "cloud");
    ASSERT_TRUE(channel.send(to_message(Probe{.id = 3, .load = "", .answer_bytes = 5})));
    const auto answered = channel.receive(kLong_s);
    ASSERT_TRUE(answered && *answered);
    const auto answer = probe_answer_from(**answered);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id, 3u);
    EXPECT_EQ(answer->load.size(), 5u);
  });
  EXPECT_TRUE(dialled.status) << dialled.status.error().message;
  EXPECT_EQ(dialled.met, std::vector<std::string>{"phone"});
}

TEST(Meeting, AnotherNameThanTheCertificatesIsRefusedAndTold) {
  const Dialled dialled = meet("phone", [](Channel& channel) {
    const auto peer = greet(channel, hello_of("cloud-2"), "cloud", kLong_s);
    ASSERT_FALSE(peer);
    EXPECT_EQ(peer.error().code, Code::Denied);
    EXPECT_NE(peer.error().message.find("certificate of phone"), std::string::npos);
  });
  EXPECT_EQ(dialled.status.error().code, Code::Denied);
  EXPECT_TRUE(dialled.met.empty());
}

TEST(Meeting, TheDiallingEndChecksTheNameToo) {
  meet("phone", [](Channel& channel) {
    const auto peer = greet(channel, hello_of("phone"), "another", kLong_s);
    EXPECT_EQ(peer.error().code, Code::Denied);
  });
}

TEST(Meeting, NodesWithoutACommonProtocolSayWhoIsOlder) {
  const Dialled dialled = meet("phone", [](Channel& channel) {
    Hello newer = hello_of("phone");
    newer.oldest_protocol = newer.newest_protocol = kNewestProtocol + 1;
    const auto peer = greet(channel, newer, "cloud", kLong_s);
    ASSERT_FALSE(peer);
    EXPECT_TRUE(peer.error().message.ends_with("update verge on cloud")) << peer.error().message;
  });
  EXPECT_EQ(dialled.status.error().code, Code::Unsupported);
}

TEST(Meeting, ABadProbeEndsIt) {
  const Dialled dialled = meet("phone", [](Channel& channel) {
    ASSERT_TRUE(greet(channel, hello_of("phone"), "cloud", kLong_s));
    ASSERT_TRUE(channel.send({.kind = kProbe, .body = "\xff"}));
    EXPECT_FALSE(channel.receive(kLong_s));
  });
  EXPECT_EQ(dialled.status.error().code, Code::Malformed);
}

TEST(Meeting, SilenceIsSaidToBeSilence) {
  net::ChannelPair ends = net::make_channel_pair();
  EXPECT_EQ(greet(*ends.first, hello_of("phone"), "cloud", 0.01).error().code, Code::Cancelled);
}

}  // namespace
}  // namespace verge::fleet
