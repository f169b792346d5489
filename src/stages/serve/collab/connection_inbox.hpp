#pragma once
// ConnectionInbox: what the threads of connections have received, for the one thread that runs the
// model. Messages are read and unpacked where they come in.

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include <verge/stages/serve/collab/context_store.hpp>
#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {

/// Who is at the other end: what the transport knows of it, not what it says.
struct CollabPeer {
  std::string tenant = {};
  std::string device = {};
};

/// A device's channel. Any thread; after disconnect() it does nothing.
class CollabConnection {
 public:
  CollabConnection(Channel& channel, CollabPeer peer)
      : channel_(&channel), peer_(std::move(peer)) {}

  const CollabPeer& peer() const { return peer_; }
  /// What cannot be sent is lost: the device gives up waiting for it.
  void send(const CollabMessage& message);
  void disconnect();

 private:
  std::mutex mutex_;  // of the pointer
  Channel* channel_;
  const CollabPeer peer_;
};

struct CollabEvent {
  std::shared_ptr<CollabConnection> connection;
  CollabMessage message = CloseMessage();
  std::vector<float> rows = {};  // of a StatesMessage
  bool is_gone = false;          // instead of a message: the channel is closed
};

class ConnectionInbox {
 public:
  /// Those who post wait while more than so many bytes lie here.
  explicit ConnectionInbox(int64_t most_bytes) : most_bytes_(most_bytes) {}

  using Events = std::list<CollabEvent>;

  void post(CollabEvent event);
  /// The same of events that are made already: allocates nothing.
  void post(Events events);
  /// Until something has come, `timeout_s` at most.
  void wait(double timeout_s);
  /// All that has come, oldest first.
  Events take();
  /// Nobody takes any more; nobody waits.
  void close();
  bool is_closed() const;

 private:
  const int64_t most_bytes_;
  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  Events events_;
  int64_t bytes_ = 0;
  bool is_closed_ = false;
};

/// Posts what a channel receives until it is closed or the inbox is; the last is `is_gone`. States
/// are unpacked. Who sends what is no message is told so, and heard no more. Cancelled by either
/// end is no failure, nor is memory that is short; std::bad_alloc where there is none to begin
/// with.
Status receive_all(Channel& channel, const std::shared_ptr<CollabConnection>& connection,
                   const CollabLimits& limits, ConnectionInbox& inbox);

}  // namespace verge::serve
