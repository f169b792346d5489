#pragma once
// A GrpcServer on a free port of this machine that keeps the channels of its peers.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <verge/platform/net/grpc/grpc_channel.hpp>
#include <verge/platform/net/grpc/grpc_server.hpp>

#include "test_fleet.hpp"
#include "test_messages.hpp"

namespace verge::test {

class TestGrpcServer {
 public:
  explicit TestGrpcServer(const net::Credentials& own, net::GrpcServerOptions options = {},
                          int64_t at_unix_s = now_unix_s()) {
    auto started = net::GrpcServer::start(
        own, at_unix_s, options, [this](net::Peer peer, std::unique_ptr<Channel> channel) {
          const std::lock_guard lock(mutex_);
          peers_.emplace_back(std::move(peer.facts), std::move(channel));
          changed_.notify_all();
        });
    EXPECT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(started).value();
  }

  net::GrpcServer& operator*() { return *server_; }
  net::GrpcServer* operator->() { return server_.get(); }
  std::string address(const std::string& host = "127.0.0.1") const {
    return host + ":" + std::to_string(server_->port());
  }
  /// The channel of the next peer, waiting for it.
  std::unique_ptr<Channel> next(std::string* node = nullptr) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(60), [this] { return !peers_.empty(); });
    EXPECT_TRUE(came) << "no peer came";
    if (!came) return nullptr;
    auto [facts, channel] = std::move(peers_.front());
    peers_.pop_front();
    if (node != nullptr) *node = facts.node;
    return std::move(channel);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<net::CertificateFacts, std::unique_ptr<Channel>>> peers_;
  std::unique_ptr<net::GrpcServer> server_;
};

/// Both ends of a stream.
struct GrpcPair {
  std::unique_ptr<Channel> client, server;
};

inline GrpcPair connect(TestGrpcServer& server, const net::Credentials& own,
                        const net::DialOptions& options = {}) {
  auto dialled = net::dial(server.address(), own, now_unix_s(), options);
  EXPECT_TRUE(dialled.ok()) << dialled.error().message;
  if (!dialled) return {};
  return {std::move(dialled).value(), server.next()};
}

}  // namespace verge::test
