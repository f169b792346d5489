#pragma once
// A cable of TCP on this machine that a test can freeze: both ends stay connected and hear nothing.

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <verge/core/descriptor.hpp>

namespace verge::test {

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

/// A socket bound to a free port of loopback, which may listen.
class LoopbackPort {
 public:
  explicit LoopbackPort(bool listens) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.number(), any, size), 0);
    EXPECT_EQ(::getsockname(socket_.number(), any, &size), 0);
    port_ = ntohs(address.sin_port);
    if (listens && ::listen(socket_.number(), 8) != 0) ADD_FAILURE() << "cannot listen";
  }
  int number() const { return socket_.number(); }
  std::string address(const std::string& host = "127.0.0.1") const {
    return host + ":" + std::to_string(port_);
  }

 private:
  Descriptor socket_;
  int port_ = 0;
};

/// Carries the first connection to a port of loopback.
class TcpRelay {
 public:
  explicit TcpRelay(int port) : listener_(true), thread_([this, port] { run(port); }) {}
  ~TcpRelay() {
    is_over_ = true;
    thread_.join();
  }
  std::string address() const { return listener_.address(); }
  void freeze() { is_frozen_ = true; }

 private:
  static constexpr int kLook_ms = 10;

  void run(int port) {
    pollfd waiting{listener_.number(), POLLIN, 0};
    while (!is_over_ && ::poll(&waiting, 1, kLook_ms) == 0) {
    }
    if (is_over_) return;
    const Descriptor near(::accept(listener_.number(), nullptr, nullptr));
    const Descriptor far(::socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(far.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
        0) {
      return;
    }
    while (!is_over_) carry(near.number(), far.number());
  }
  void carry(int near, int far) {
    if (is_frozen_) {
      ::poll(nullptr, 0, kLook_ms);
      return;
    }
    std::array<pollfd, 2> ends = {pollfd{near, POLLIN, 0}, pollfd{far, POLLIN, 0}};
    if (::poll(ends.data(), ends.size(), kLook_ms) <= 0) return;
    for (size_t i = 0; i < ends.size(); ++i) {
      char bytes[4096];
      if (ends[i].revents == 0) continue;
      const ssize_t size = ::read(ends[i].fd, bytes, sizeof(bytes));
      if (size <= 0 || ::write(ends[1 - i].fd, bytes, static_cast<size_t>(size)) != size) {
        is_over_ = true;
        return;
      }
    }
  }

  LoopbackPort listener_;
  std::atomic<bool> is_frozen_ = false, is_over_ = false;
  std::thread thread_;
};

}  // namespace verge::test
