#pragma once
// CloudLink: a device's connection to its server, made anew whenever it is lost. A thread of its
// own connects, says hello and receives; who generates text neither waits for it nor hears of it
// but by what comes and what does not.
//
//   CloudLink link(connect, hello, limits);
//   if (link.is_up()) (void)link.send(to_message(FinishMessage{.position = 17}));
//   std::optional<CollabMessage> answer = link.receive(0.2);

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {

struct CloudLinkOptions {
  double retry_s = 0.5;  // between attempts to connect
  double accept_s = 10;  // for the server to answer a hello
  /// Called once when the link ends: makes a `connect` that waits return.
  std::function<void()> on_end = {};
};

class CloudLink {
 public:
  using Connect = std::function<Result<std::unique_ptr<Channel>>()>;

  /// `connect` is called on the link's own thread. limits.codecs is not used: a server sends no
  /// states.
  CloudLink(Connect connect, HelloMessage hello, CollabLimits limits,
            CloudLinkOptions options = {});
  ~CloudLink();
  CloudLink(const CloudLink&) = delete;
  CloudLink& operator=(const CloudLink&) = delete;

  bool is_up() const;
  /// How many times it has come up so far: what was sent before the last may be lost.
  int64_t connections() const;
  /// Why it is not up, or was not the last time. A server refuses for good (is_refused) that is of
  /// another split or has no codec in common; one that is full is tried again.
  Status status() const;
  bool is_refused() const;

  /// At once. Fails with Busy while the send window is full, Io while it is not up.
  Status send(Message message);
  /// The next message from the server, waiting for it `timeout_s` at most; nothing if none came, or
  /// the link is down.
  std::optional<CollabMessage> receive(double timeout_s);
  /// Until something has been received, the link goes up or down, is refused, or `timeout_s` is
  /// over.
  void wait(double timeout_s);
  int64_t unsent_bytes() const;
  /// Of all channels so far.
  ChannelCounters counters() const;

 private:
  void run();
  Status serve_once();
  Status greet(Channel& channel);
  void receive_all(Channel& channel);
  void go_down(const Status& status);

  const Connect connect_;
  const HelloMessage hello_;
  const CollabLimits limits_;
  const CloudLinkOptions options_;

  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::shared_ptr<Channel> channel_;  // also while it is not up yet
  bool is_up_ = false;
  bool is_refused_ = false;
  bool is_closing_ = false;
  int64_t connections_ = 0;
  Status status_;
  std::deque<CollabMessage> received_;
  ChannelCounters past_;  // of channels that are gone
  std::thread thread_;    // the last: it uses all of them
};

}  // namespace verge::serve
