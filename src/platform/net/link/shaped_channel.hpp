#pragma once
// ShapedChannel: a Channel whose sending side passes an emulated link in real time, over any other
// Channel. To shape both directions, wrap both ends. Any thread may call it; a thread of its own
// hands each message to the channel below when the link's model says that it is there.
//
//   auto [edge_end, cloud_end] = make_channel_pair();
//   VERGE_TRY(LinkModel up, LinkModel::make({.trace = mobile}));
//   ShapedChannel edge(std::move(edge_end), std::move(up), clock);
//
// Messages of a lane arrive in their order. An urgent one goes before the normal ones that have not
// begun to leave; the one that is leaving is not interrupted.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <verge/core/channel.hpp>
#include <verge/core/clock.hpp>
#include <verge/platform/net/link/link_model.hpp>

namespace verge::net {

class ShapedChannel final : public Channel {
 public:
  static constexpr int64_t kSendWindowBytes = 256 << 10;

  /// The trace begins now. send() is Busy while what has not left of a lane would exceed
  /// `send_window_bytes` with the next message; one alone may be greater. `clock` outlives this.
  ShapedChannel(std::unique_ptr<Channel> below, LinkModel link, const Clock& clock,
                int64_t send_window_bytes = kSendWindowBytes);
  /// Closes.
  ~ShapedChannel() override;

  using Channel::send;
  /// An error of the channel below comes with the first send() after it happened.
  Status send(Message message, Lane lane) override;
  Result<std::optional<Message>> receive(double timeout_s) override;
  /// What has not left into the link, with all of a message that is leaving.
  int64_t unsent_bytes() const override;
  /// Those of the channel below: a message counts when it has arrived.
  ChannelCounters counters() const override;
  /// Closes the channel below, too, after it was given what was taken before: at once, early, for
  /// who waits here is to be woken. It is lost in an outage by cut(), or where the channel below is
  /// full for a second.
  void close() override;

  /// An outage, until mend(): the link's time stands still. What has not left stays, what is on its
  /// way comes later by the outage's length, and the trace goes on where it was.
  void cut();
  void mend();

 private:
  struct Waiting {
    Message message;
    int64_t bytes;
    double handed_s;
  };
  struct Travelling {
    Message message;
    int64_t bytes;
    Lane lane;
    double left_s;
    double arrival_s;
  };

  double link_time() const;
  std::deque<Waiting>& waiting(Lane lane) { return waiting_[static_cast<size_t>(lane)]; }
  int64_t unsent_bytes_of(Lane lane) const;
  void let_leave(double now_s);
  void hand_over(std::unique_lock<std::mutex>& lock);
  void hand_over_rest(std::unique_lock<std::mutex>& lock);
  void sleep(std::unique_lock<std::mutex>& lock, double seconds);
  void run();

  const std::unique_ptr<Channel> below_;
  const Clock& clock_;
  const double start_s_;
  const int64_t window_bytes_;

  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  LinkModel link_;
  std::deque<Waiting> waiting_[2];     // of each lane
  std::deque<Travelling> travelling_;  // in the order of their arrival
  std::optional<double> cut_at_s_;     // of the clock
  double outages_s_ = 0;               // by cut(), those that have ended
  bool is_closed_ = false;
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace verge::net
