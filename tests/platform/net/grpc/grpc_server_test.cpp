#include <atomic>
#include <chrono>
#include <thread>

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <verge/platform/net/grpc/frame.hpp>
#include <verge/platform/net/grpc/grpc_server.hpp>
#include <verge/platform/net/grpc/grpc_support.hpp>
#include <verge/platform/net/grpc/wire.grpc.pb.h>
#include <verge/platform/net/identity/openssl.hpp>

#include "eventually.hpp"
#include "http_client.hpp"
#include "test_grpc_server.hpp"

namespace verge::net {
namespace {

using test::connect;
using test::next_body;
using test::now_unix_s;
using test::TestFleet;
using test::TestGrpcServer;
using test::text_message;

// A client that sends what it likes, by gRPC's own means.
class RawClient {
 public:
  RawClient(const std::string& address, const std::string& root, const Credentials* own) {
    silence_grpc();
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = root;
    if (own != nullptr) {
      options.pem_private_key = own->key();
      options.pem_cert_chain = own->certificate();
    }
    channel_ = grpc::CreateChannel(address, grpc::SslCredentials(options));
    stub_ = wire::Streams::NewStub(channel_);
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    stream_ = stub_->Open(&context_);
  }

  bool write(const wire::Frame& frame) { return stream_->Write(frame); }
  /// What the server says to an end that it makes: its code in ours, and its words.
  Error end() {
    wire::Frame frame;
    while (stream_->Read(&frame)) {
    }
    return error_of_call(stream_->Finish(), "server");
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<wire::Streams::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::Frame, wire::Frame>> stream_;
};

wire::Frame text_frame(uint64_t sequence, const std::string& body) {
  return message_frame(sequence, make_payload(text_message(body)).value());
}

class RawPeerTest : public testing::Test {
 protected:
  // Sends the frames; the server must end the stream so, after the first `good` messages.
  void expect_end(const std::vector<wire::Frame>& frames, int good, Code code,
                  const std::string& why) {
    RawClient client(server_.address(), fleet_.authority().certificate(), &own_);
    for (const wire::Frame& frame : frames) client.write(frame);
    const Error end = client.end();
    EXPECT_EQ(end.code, code) << end.message;
    EXPECT_NE(end.message.find(why), std::string::npos) << end.message;
    if (good < 0) return;  // was never let in
    const auto channel = server_.next();
    for (int i = 0; i < good; ++i) EXPECT_EQ(next_body(*channel), "good");
    EXPECT_EQ(next_body(*channel), "error: " + std::string(name(code)));
  }

  TestFleet fleet_;
  Credentials own_ = fleet_.node("raw");
  TestGrpcServer server_{fleet_.node("cloud"), {.limits = {.message_bytes = 5000}}};
};

TEST_F(RawPeerTest, AFrameThatComesAgainEndsTheStream) {
  expect_end({hello_frame(100), text_frame(1, "good"), text_frame(1, "good")}, 1, Code::Malformed,
             "frame 1 came again");
  expect_end({hello_frame(100), text_frame(1, "good"), text_frame(2, "good"), text_frame(1, "x")},
             2, Code::Malformed, "frame 1 came again");
  expect_end({hello_frame(100), text_frame(2, "x")}, 0, Code::Malformed, "in place of 1");
}

TEST_F(RawPeerTest, AnAlteredFrameEndsTheStream) {
  wire::Frame altered = text_frame(2, "evil");
  (*altered.mutable_payload())[5] ^= 1;
  expect_end({hello_frame(100), text_frame(1, "good"), altered}, 1, Code::Malformed,
             "frame 2 was altered");
}

TEST_F(RawPeerTest, AnotherVersionIsRefusedByBothNumbers) {
  wire::Frame hello = hello_frame(100);
  hello.mutable_hello()->set_major(kWireMajor + 1);
  expect_end({hello}, -1, Code::Unsupported,
             fmt::format("speaks version {0}.{1} of the protocol and this node {2}.{1}",
                         kWireMajor + 1, kWireMinor, kWireMajor));
  expect_end({text_frame(1, "x")}, -1, Code::Malformed, "does not begin with its version");
  EXPECT_TRUE(test::eventually([&] { return server_->channels() == 0; }));
}

TEST_F(RawPeerTest, AFrameThatIsTooLargeEndsTheStream) {
  expect_end({hello_frame(100), text_frame(1, std::string(6000, 'x'))}, 0, Code::Malformed,
             "at most 5000");
}

TEST_F(RawPeerTest, WithoutACertificateOfTheFleetThereIsNoWayIn) {
  TestFleet other;
  const Credentials stranger = other.node("raw"), old = fleet_.node("old", -60);
  for (const Credentials* own : {static_cast<const Credentials*>(nullptr), &stranger, &old}) {
    RawClient client(server_.address(), fleet_.authority().certificate(), own);
    client.write(hello_frame(100));
    EXPECT_EQ(client.end().code, Code::Io);
  }
  EXPECT_EQ(server_->channels(), 0);
}

TEST(GrpcServer, AStreamThatDoesNotBeginIsEnded) {
  TestFleet fleet;
  const Credentials own = fleet.node("raw");
  TestGrpcServer server(fleet.node("cloud"), {.limits = {.hello_s = 0.01}});
  RawClient client(server.address(), fleet.authority().certificate(), &own);
  const Error end = client.end();
  EXPECT_EQ(end.code, Code::Denied);
  EXPECT_NE(end.message.find("said nothing"), std::string::npos) << end.message;
}

// Plain text, as a client of HTTP/1.1 or gRPC without TLS would send.
TEST_F(RawPeerTest, PlainTextGetsNoAnswer) {
  const auto channel = grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto stream = wire::Streams::NewStub(channel)->Open(&context);
  wire::Frame frame;
  EXPECT_FALSE(stream->Read(&frame));
  EXPECT_FALSE(stream->Finish().ok());
  EXPECT_EQ(server_->channels(), 0);
}

// OpenSSL's own client is the oracle.
TEST_F(RawPeerTest, TlsIsOfVersionThree) {
  const std::unique_ptr<SSL_CTX, openssl::Freed<SSL_CTX_free>> context(
      SSL_CTX_new(TLS_client_method()));
  const auto leaf = openssl::read_x509(own_.certificate(), "x");
  const auto key = openssl::read_key(own_.key(), "x");
  ASSERT_EQ(SSL_CTX_use_certificate(context.get(), leaf->get()), 1);
  ASSERT_EQ(SSL_CTX_use_PrivateKey(context.get(), key->get()), 1);
  const std::unique_ptr<SSL, openssl::Freed<SSL_free>> ssl(SSL_new(context.get()));
  test::HttpClient tcp(static_cast<uint16_t>(server_->port()));
  static constexpr unsigned char kOffered[] = "\x02h2";
  SSL_set_alpn_protos(ssl.get(), kOffered, sizeof(kOffered) - 1);
  SSL_set_fd(ssl.get(), tcp.socket());
  ASSERT_EQ(SSL_connect(ssl.get()), 1);
  EXPECT_STREQ(SSL_get_version(ssl.get()), "TLSv1.3");
}

TEST(GrpcServer, HasRoomForSoManyChannels) {
  TestFleet fleet;
  const Credentials a = fleet.node("a"), b = fleet.node("b"), c = fleet.node("c");
  TestGrpcServer server(fleet.node("cloud"), {.max_channels = 3, .max_channels_a_node = 2});
  auto first = connect(server, a), second = connect(server, a);
  const auto third = dial(server.address(), a, now_unix_s());
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code, Code::Busy);
  EXPECT_NE(third.error().message.find("node \"a\" has 2 channels"), std::string::npos);
  auto of_b = connect(server, b);
  EXPECT_EQ(server->channels(), 3);
  EXPECT_EQ(dial(server.address(), c, now_unix_s()).error().code, Code::Busy);
  first = {};
  EXPECT_TRUE(test::eventually([&] { return server->channels() == 2; }));
  EXPECT_TRUE(dial(server.address(), c, now_unix_s()).ok());
}

TEST(GrpcServer, StoppedWhileStreamingIsIoAtTheClient) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  auto pair = connect(server, fleet.node("edge-1"));
  std::atomic<bool> is_over = false;
  std::thread sender([&] {
    while (!is_over) {
      const Status sent = pair.client->send(text_message("x"));
      if (!sent && sent.error().code != Code::Busy) break;
    }
  });
  EXPECT_EQ(next_body(*pair.server), "x");
  server->stop(0);
  EXPECT_EQ(server->channels(), 0);
  EXPECT_EQ(next_body(*pair.client), "error: io");
  is_over = true;
  sender.join();
  EXPECT_EQ(pair.client->send(text_message("x")).error().code, Code::Io);
  std::string last = "x";
  while (last == "x") last = next_body(*pair.server);
  EXPECT_EQ(last, "error: io");
  EXPECT_EQ(dial(server.address(), fleet.node("edge-1"), now_unix_s()).error().code, Code::Io);
}

// Also to a client that reads slower than it could.
TEST(GrpcServer, WhatWasTakenIsSentBeforeItStops) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  auto pair = connect(server, fleet.node("edge-1"), {.limits = {.receive_window_bytes = 100'000}});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(pair.server->send(text_message(std::string(100'000, 'x'))).ok());
  }
  std::thread stopping([&] { server->stop(60); });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(next_body(*pair.client).size(), 100'000u);
  EXPECT_EQ(next_body(*pair.client), "error: io");
  stopping.join();
}

TEST(GrpcServer, ChannelsOutliveIt) {
  TestFleet fleet;
  test::GrpcPair pair;
  {
    TestGrpcServer server(fleet.node("cloud"));
    pair = connect(server, fleet.node("edge-1"));
  }
  EXPECT_EQ(next_body(*pair.server), "error: io");
  EXPECT_EQ(next_body(*pair.client), "error: io");
  pair.server->close();
}

TEST(GrpcServer, APortThatIsTakenIsNotShared) {
  TestFleet fleet;
  const Credentials own = fleet.node("cloud");
  TestGrpcServer server(own);
  const auto second = GrpcServer::start(own, now_unix_s(), {.port = server->port()}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::Io);
  EXPECT_NE(second.error().message.find(server.address()), std::string::npos);
}

TEST(GrpcServer, DoesNotStartWithAnExpiredCertificate) {
  TestFleet fleet;
  EXPECT_EQ(GrpcServer::start(fleet.node("old", -60), now_unix_s(), {}, {}).error().code,
            Code::Denied);
}

TEST(GrpcServer, ARevokedCertificateIsPutOutAndLetInNoMore) {
  TestFleet fleet;
  TestGrpcServer server(fleet.node("cloud"));
  const Credentials edge = fleet.node("edge-1"), other = fleet.node("edge-2");
  auto pair = connect(server, edge), others = connect(server, other);
  const std::string pem =
      fleet.authority().sign_revocations({{edge.facts().serial, now_unix_s()}}, 1, now_unix_s());
  const auto list = RevocationList::parse(pem, fleet.authority().certificate(), "test");
  ASSERT_TRUE(list.ok()) << list.error().message;
  server->refuse(*list);
  const auto told = pair.client->receive(60);
  ASSERT_FALSE(told.ok());
  EXPECT_NE(told.error().message.find("revoked"), std::string::npos) << told.error().message;
  const auto again = dial(server.address(), edge, now_unix_s());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::Denied);
  EXPECT_NE(again.error().message.find("revoked"), std::string::npos) << again.error().message;
  ASSERT_TRUE(others.client->send(test::text_message("goes on")).ok());
  EXPECT_EQ(test::next_body(*others.server), "goes on");
  // An older list changes nothing.
  server->refuse(RevocationList());
  EXPECT_FALSE(dial(server.address(), edge, now_unix_s()).ok());
}

}  // namespace
}  // namespace verge::net
