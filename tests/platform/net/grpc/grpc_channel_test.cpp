#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <verge/platform/net/address.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>

#include "eventually.hpp"
#include "tcp_relay.hpp"
#include "test_grpc_server.hpp"

namespace verge::net {
namespace {

using Lane = Channel::Lane;
using test::connect;
using test::next_body;
using test::now_unix_s;
using test::TestFleet;
using test::TestGrpcServer;
using test::text_message;

void expect_no_dial(const std::string& address, const Credentials& own, Code code,
                    const std::string& why, const DialOptions& options = {},
                    int64_t at_unix_s = now_unix_s()) {
  const auto channel = dial(address, own, at_unix_s, options);
  ASSERT_FALSE(channel.ok()) << why;
  EXPECT_EQ(channel.error().code, code) << channel.error().message;
  EXPECT_NE(channel.error().message.find(why), std::string::npos) << channel.error().message;
}

TEST(GrpcChannel, TwoNodesExchangeMessages) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  const auto dialled = dial(server.address(), fleet.node("edge-1"), now_unix_s());
  ASSERT_TRUE(dialled.ok()) << dialled.error().message;
  std::string node;
  const auto other = server.next(&node);
  EXPECT_EQ(node, "edge-1");
  for (const size_t bytes : {0u, 1u, 100'000u, 3'000'000u}) {
    const Message there = test::tensor_message("there", bytes),
                  back = test::text_message("back", 9);
    ASSERT_TRUE((*dialled)->send(there).ok());
    const auto came = other->receive(60);
    ASSERT_TRUE(came.ok() && *came) << bytes;
    test::expect_same(**came, there);
    ASSERT_TRUE(other->send(back, Lane::Urgent).ok());
    const auto answer = (*dialled)->receive(60);
    ASSERT_TRUE(answer.ok() && *answer);
    test::expect_same(**answer, back);
  }
  EXPECT_EQ(other->counters().messages_received, 4);
  EXPECT_EQ(other->counters().bytes_received, (*dialled)->counters().bytes_sent);
  EXPECT_GT(other->counters().bytes_received, 3'100'000);
}

TEST(GrpcChannel, ManyMessagesComeInOrder) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  auto pair = connect(server, fleet.node("edge-1"));
  constexpr int kMessages = 5000;
  std::thread sender([&] {
    for (int i = 0; i < kMessages; ++i) {
      const bool was_sent =
          test::eventually([&] { return pair.client->send(text_message(std::to_string(i))).ok(); });
      ASSERT_TRUE(was_sent);
    }
  });
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(next_body(*pair.server), std::to_string(i));
  sender.join();
}

TEST(GrpcChannel, NothingCameInTime) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  auto pair = connect(server, fleet.node("edge-1"));
  EXPECT_EQ(next_body(*pair.client, 0.001), "nothing");
  EXPECT_EQ(next_body(*pair.server, 0), "nothing");
}

TEST(GrpcChannel, WhatWasTakenArrivesBeforeTheClose) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  auto pair = connect(server, fleet.node("edge-1"));
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(pair.client->send(text_message(body)).ok());
  pair.client.reset();
  for (const char* body : {"a", "b", "c"}) EXPECT_EQ(next_body(*pair.server), body);
  EXPECT_EQ(next_body(*pair.server), "error: cancelled");
  EXPECT_EQ(pair.server->send(text_message("x")).error().code, Code::Cancelled);

  pair = connect(server, fleet.node("edge-1"), {.limits = {.receive_window_bytes = 1000}});
  for (const char body : {'a', 'b', 'c'}) {
    ASSERT_TRUE(pair.server->send(text_message(std::string(100'000, body))).ok());
  }
  pair.server.reset();
  for (const char body : {'a', 'b', 'c'}) {
    EXPECT_EQ(next_body(*pair.client), std::string(100'000, body));
  }
  EXPECT_EQ(next_body(*pair.client), "error: cancelled");
}

TEST(GrpcChannel, CloseFromAnotherThreadWakesReceive) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  auto pair = connect(server, fleet.node("edge-1"));
  for (Channel* channel : {pair.client.get(), pair.server.get()}) {
    std::atomic<bool> has_begun = false;
    std::string seen;
    std::thread waiting([&] {
      has_begun = true;
      seen = next_body(*channel, 1e9);
    });
    EXPECT_TRUE(test::eventually([&] { return has_begun.load(); }));
    channel->close();
    channel->close();
    waiting.join();
    EXPECT_EQ(seen, "error: cancelled");
  }
}

TEST(GrpcChannel, APeerThatDoesNotReceiveFillsTheWindow) {
  TestFleet fleet;
  const StreamLimits limits{
      .send_window_bytes = 1 << 20, .receive_window_bytes = 1 << 20, .linger_s = 0.1};
  TestGrpcServer server(fleet.node("cloud"), {.limits = limits});
  auto pair = connect(server, fleet.node("edge-1"), {.limits = limits});
  const Message message = text_message(std::string(100'000, 'x'));
  int64_t taken = 0;
  // Busy for good, and not for the moment: when the window is full and the other end does not read.
  int64_t unsent = -1;
  const bool is_full = test::eventually([&] {
    Status sent;
    while ((sent = pair.client->send(message))) ++taken;
    EXPECT_EQ(sent.error().code, Code::Busy);
    const int64_t last = std::exchange(unsent, pair.client->unsent_bytes());
    return last == unsent && last > 0;
  });
  EXPECT_TRUE(is_full);
  EXPECT_LE(pair.client->unsent_bytes(), 1 << 20);
  // Two windows of ours and what HTTP/2 and the sockets hold.
  EXPECT_LT(taken * 100'000, 40'000'000);
  EXPECT_LE(pair.server->counters().messages_received, 12);
  ASSERT_TRUE(pair.client->send(text_message("urgent"), Lane::Urgent).ok());
  // Nothing is lost when it receives after all.
  bool was_urgent = false;
  for (int64_t i = 0; i < taken + 1; ++i) was_urgent |= next_body(*pair.server) == "urgent";
  EXPECT_TRUE(was_urgent);
  EXPECT_EQ(next_body(*pair.server, 0), "nothing");
}

TEST(GrpcChannel, ADeadPeerIsSeenByBothEnds) {
  TestFleet fleet;
  const StreamLimits limits{.ping_s = kLeastPing_s, .ping_timeout_s = 0.5};
  TestGrpcServer server(fleet.node("cloud"), {.limits = limits});
  test::TcpRelay cable(server->port());
  const auto client = dial(cable.address(), fleet.node("edge-1"), now_unix_s(), {.limits = limits});
  ASSERT_TRUE(client.ok()) << client.error().message;
  const auto other = server.next();
  ASSERT_TRUE((*client)->send(text_message("a")).ok());
  EXPECT_EQ(next_body(*other), "a");
  cable.freeze();
  EXPECT_EQ(next_body(**client), "error: io");
  EXPECT_EQ(next_body(*other), "error: io");
}

TEST(GrpcChannel, AMessageTooLargeForThePeerIsRefusedBeforeItIsSent) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"), {.limits = {.message_bytes = 1000}});
  auto pair = connect(server, fleet.node("edge-1"));
  EXPECT_EQ(pair.client->send(text_message(std::string(2000, 'x'))).error().code,
            Code::InvalidArgument);
  ASSERT_TRUE(pair.client->send(text_message("small")).ok());
  EXPECT_EQ(next_body(*pair.server), "small");
}

TEST(GrpcChannel, DiallingNobodySaysSo) {
  TestFleet fleet;
  const Credentials own = fleet.node("edge-1");
  expect_no_dial(test::LoopbackPort(false).address(), own, Code::Io, "nothing listens there");
  const test::LoopbackPort silent(true);
  expect_no_dial(silent.address(), own, Code::Io, "no answer within 0.05 s", {.timeout_s = 0.05});
  expect_no_dial("no.such.host.invalid:7443", own, Code::Io, "no.such.host.invalid:7443: ");
  expect_no_dial("nonsense", own, Code::InvalidArgument, "HOST:PORT");
}

TEST(GrpcChannel, DiallingIsGivenUpFromAnotherThread) {
  TestFleet fleet;
  const test::LoopbackPort silent(true);
  std::stop_source stop;
  std::thread other([&] { stop.request_stop(); });
  expect_no_dial(silent.address(), fleet.node("edge-1"), Code::Cancelled, "given up",
                 {.timeout_s = 1e6, .stop = stop.get_token()});
  other.join();
}

TEST(GrpcChannel, AnotherFleetIsDenied) {
  TestFleet fleet, other("away");
  TestGrpcServer server(other.node("cloud"));
  expect_no_dial(server.address(), fleet.node("edge-1"), Code::Denied,
                 "signed by \"away\" and not by the authority of this node's fleet, \"home\"");
  EXPECT_EQ(server->channels(), 0);
}

TEST(GrpcChannel, ExpiredCertificatesAreDenied) {
  TestFleet fleet;
  const Credentials old = fleet.node("old", -60);
  const int64_t then = now_unix_s() - 3600;
  TestGrpcServer server(fleet.node("cloud"));
  expect_no_dial(server.address(), old, Code::Denied, "expired");
  // Even where the node's own clock is slow, the other's is not.
  expect_no_dial(server.address(), old, Code::Io, "the other's clock", {}, then);
  TestGrpcServer old_server(old, {}, then);
  expect_no_dial(old_server.address(), fleet.node("edge-1"), Code::Denied,
                 "the certificate of node \"old\"");
}

TEST(GrpcChannel, AServerWhoseCertificateWasRevokedIsDenied) {
  TestFleet fleet;
  const Credentials cloud = fleet.node("cloud");
  TestGrpcServer server(cloud);
  Credentials edge = fleet.node("edge-1");
  ASSERT_TRUE(edge.save(fleet / "edge").ok());
  ASSERT_TRUE(edge.take_revocations(fleet / "edge",
                                    fleet.authority().sign_revocations(
                                        {{cloud.facts().serial, now_unix_s()}}, 1, now_unix_s()))
                  .ok());
  expect_no_dial(server.address(), edge, Code::Denied, "\"cloud\" was revoked");
  // Also by who reads them from the folder.
  expect_no_dial(server.address(), *Credentials::load(fleet / "edge"), Code::Denied, "revoked");
}

TEST(GrpcChannel, TheHostOrTheNodeMustBeTheOneThatWasMeant) {
  TestFleet fleet;
  const Credentials edge = fleet.node("edge-1");
  TestGrpcServer server(fleet.node("cloud"), {.host = "0.0.0.0"});
  expect_no_dial(server.address("127.0.0.2"), edge, Code::Denied, "not for 127.0.0.2");
  expect_no_dial(server.address("127.0.0.2"), edge, Code::Denied, "is node \"cloud\", not \"x\"",
                 {.node = "x"});
  EXPECT_TRUE(dial(server.address("127.0.0.2"), edge, now_unix_s(), {.node = "cloud"}).ok());
  EXPECT_TRUE(dial(server.address("localhost"), edge, now_unix_s()).ok());
}

// Of a host with addresses of both kinds, the one that answers is dialled.
TEST(GrpcChannel, AHostIsDialledByTheAddressThatAnswers) {
  const auto hosts = resolve({"localhost", 1});
  if (!hosts || hosts->size() < 2) GTEST_SKIP() << "localhost has one address here";
  TestFleet fleet;
  for (const std::string& host : *hosts) {
    TestGrpcServer server(fleet.node("cloud"), {.host = host});
    const auto channel = dial(server.address("localhost"), fleet.node("edge-1"), now_unix_s());
    EXPECT_TRUE(channel.ok()) << host << ": " << channel.error().message;
  }
  expect_no_dial(test::LoopbackPort(false).address("localhost"), fleet.node("edge-1"), Code::Io,
                 "nothing listens there");
}

}  // namespace
}  // namespace verge::net
