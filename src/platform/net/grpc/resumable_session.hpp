#pragma once
// ResumableSession: a Channel that outlives its links. Messages are numbered in their lane and kept
// until the other end has them; a new link begins with what each end has, and the rest goes over it
// again. Made by resumable_channel.hpp.

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <verge/core/clock.hpp>
#include <verge/core/rng.hpp>
#include <verge/platform/net/grpc/resume_protocol.hpp>

namespace verge::net {

struct ResumeOptions {
  /// How long an end looks for a new link before the channel fails for good.
  double give_up_s = 120;
  /// Pauses between two dials: this at first, twice as long each time, each drawn between half and
  /// whole.
  double first_pause_s = 0.1;
  double longest_pause_s = 10;
  /// Of a new link, until the other end has said what it has.
  double answer_s = 10;
  /// What is kept of one lane until the other end has it; then send() answers Busy. Best at most
  /// the send window of the links.
  int64_t window_bytes = 4 << 20;
  /// What waits for receive() before the session stops reading.
  int64_t inbox_bytes = 4 << 20;
  /// How long a closed channel goes on sending what it had taken.
  double linger_s = 5;
};

/// A link and what the other end has received.
struct ResumedLink {
  std::shared_ptr<Channel> channel;
  Marks received{};
};

class ResumableSession final : public Channel {
 public:
  /// Dials and says what this end has. Io and Busy are worth another try, other errors are final.
  using Dial = std::function<Result<ResumedLink>(const Marks& received)>;

  /// Begins with `first`. Without `dial` it waits for offer(). The clock must outlive it.
  ResumableSession(std::string id, ResumedLink first, Dial dial, const Clock& clock,
                   const ResumeOptions& options);
  /// close(), then waits until what was taken has arrived, linger_s at most, and for a dial that is
  /// under way.
  ~ResumableSession() override;

  using Channel::send;
  Status send(Message message, Lane lane) override;
  Result<std::optional<Message>> receive(double timeout_s) override;
  int64_t unsent_bytes() const override;
  /// Messages sent: that have arrived. Bytes: of all links, with what was sent twice.
  ChannelCounters counters() const override;
  void close() override;

  /// The other end has dialled again: goes on over this link.
  void offer(ResumedLink link);
  /// Failed for good or closed by either end.
  bool is_over() const;
  const std::string& id() const { return id_; }

 private:
  struct Kept {
    Message message;
    int64_t bytes = 0;
    bool is_close = false;
  };
  struct SendLane {
    std::deque<Kept> kept;  // of the sequence numbers acknowledged + 1, ...
    uint64_t acknowledged = 0;
    size_t handed_over = 0;  // of kept, to the link
    int64_t bytes = 0;
  };
  using Lock = std::unique_lock<std::mutex>;

  void run();
  void go_on_with_link(Lock& lock);
  void find_link(Lock& lock);
  void dial_again(Lock& lock);
  void adopt(ResumedLink link);
  void drop_link();
  void count_link();
  void bury(Lock& lock);
  void hand_over();
  Status hand_over_one(Lane lane);
  bool hears_of(const Marks& received);
  void take(Delivery delivery);
  void acknowledge();
  void has_told();
  void fail(Error why);
  bool has_all_arrived() const;
  double patience_s() const;

  const std::string id_;
  const Dial dial_;
  const Clock& clock_;
  const ResumeOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Channel> link_;
  std::optional<ResumedLink> offered_;
  std::vector<std::shared_ptr<Channel>> dead_;
  std::array<SendLane, 2> lanes_;
  Marks received_{};
  Marks told_{};  // of received_, to the other end
  int64_t untold_bytes_ = 0;
  std::deque<std::pair<Message, int64_t>> inbox_;
  int64_t inbox_bytes_ = 0;
  ChannelCounters counters_;  // messages; bytes of the links before this one
  bool is_closed_ = false;    // by this end
  bool was_closed_by_peer_ = false;
  bool is_over_ = false;
  bool is_abandoned_ = false;  // by the destructor, which has lingered
  std::optional<Error> error_;
  double lost_at_s_ = 0;
  double pause_s_;
  Rng jitter_;
  std::thread thread_;  // last: it uses all above
};

}  // namespace verge::net
