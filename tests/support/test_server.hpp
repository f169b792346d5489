#pragma once
// A server on an ephemeral port of loopback, running on threads of its own until destroyed.

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <verge/core/clock.hpp>
#include <verge/platform/http/server.hpp>

#include "eventually.hpp"

namespace verge::test {

class TestServer {
 public:
  TestServer(http::Router router, http::ServerOptions options, const Clock& clock,
             http::Listen listen = {})
      : server_(std::move(router), std::move(options), clock) {
    const Result<http::Endpoint> endpoint = server_.listen(listen);
    EXPECT_TRUE(endpoint.ok()) << (endpoint ? "" : endpoint.error().message);
    if (endpoint) endpoint_ = *endpoint;
    thread_ = std::thread([this] { EXPECT_TRUE(server_.run().ok()); });
  }
  ~TestServer() { stop(0); }

  uint16_t port() const { return endpoint_.port; }
  const http::Endpoint& endpoint() const { return endpoint_; }
  http::Server& server() { return server_; }

  /// Returns when run() has.
  void stop(double deadline_s) {
    server_.stop(deadline_s);
    if (thread_.joinable()) thread_.join();
  }

 private:
  http::Server server_;
  http::Endpoint endpoint_;
  std::thread thread_;
};

}  // namespace verge::test
