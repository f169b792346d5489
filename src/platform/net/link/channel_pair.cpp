#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include <verge/core/units.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::net {
namespace {

// A longer wait could overflow what the condition variable counts in.
constexpr double kLongestWaitS = 1e6;

// What one end sent and the other has not received.
class Lanes {
 public:
  int64_t bytes() const { return bytes_[0] + bytes_[1]; }

  bool has_room(Channel::Lane lane, int64_t bytes, int64_t window) const {
    return bytes_of(lane) == 0 || bytes_of(lane) + bytes <= window;
  }

  void push(Channel::Lane lane, std::string message) {
    bytes_of(lane) += static_cast<int64_t>(message.size());
    queue_of(lane).push_back(std::move(message));
  }

  /// The next in order, urgent ones first; nothing if there is none.
  std::optional<std::string> pop() {
    for (const Channel::Lane lane : {Channel::Lane::Urgent, Channel::Lane::Normal}) {
      auto& queue = queue_of(lane);
      if (queue.empty()) continue;
      std::string message = std::move(queue.front());
      queue.pop_front();
      bytes_of(lane) -= static_cast<int64_t>(message.size());
      return message;
    }
    return std::nullopt;
  }

 private:
  int64_t& bytes_of(Channel::Lane lane) { return bytes_[static_cast<size_t>(lane)]; }
  int64_t bytes_of(Channel::Lane lane) const { return bytes_[static_cast<size_t>(lane)]; }
  std::deque<std::string>& queue_of(Channel::Lane lane) {
    return queues_[static_cast<size_t>(lane)];
  }

  std::deque<std::string> queues_[2];
  int64_t bytes_[2] = {};
};

// What both ends share; [i] is of end i, `sent` by it.
struct Middle {
  explicit Middle(const PairOptions& pair_options) : options(pair_options) {}

  const PairOptions options;
  mutable std::mutex mutex;
  std::condition_variable changed;
  Lanes sent[2];
  bool is_closed[2] = {};
  ChannelCounters counters[2];
};

class PairEnd final : public Channel {
 public:
  PairEnd(std::shared_ptr<Middle> middle, int own)
      : middle_(std::move(middle)), own_(own), other_(1 - own) {}
  ~PairEnd() override { PairEnd::close(); }

  Status send(Message message, Lane lane) override {
    VERGE_TRY(std::string bytes, serialize_message(message, middle_->options.limits));
    const auto size = static_cast<int64_t>(bytes.size());
    const std::lock_guard lock(middle_->mutex);
    if (middle_->is_closed[own_] || middle_->is_closed[other_]) return closed();
    const int64_t window = middle_->options.send_window_bytes;
    if (!middle_->sent[own_].has_room(lane, size, window)) {
      return make_error(Code::Busy, "the send window of {} is full; send again later",
                        show_bytes(window));
    }
    middle_->sent[own_].push(lane, std::move(bytes));
    middle_->counters[own_].messages_sent += 1;
    middle_->counters[own_].bytes_sent += size;
    middle_->changed.notify_all();
    return {};
  }

  Result<std::optional<Message>> receive(double timeout_s) override {
    const auto timeout = std::chrono::duration<double>(std::clamp(timeout_s, 0.0, kLongestWaitS));
    std::unique_lock lock(middle_->mutex);
    std::optional<std::string> bytes;
    const bool has_changed = middle_->changed.wait_for(lock, timeout, [&] {
      if (middle_->is_closed[own_]) return true;
      bytes = middle_->sent[other_].pop();
      return bytes.has_value() || middle_->is_closed[other_];
    });
    if (!has_changed) return std::optional<Message>();
    if (!bytes) return closed();
    middle_->counters[own_].messages_received += 1;
    middle_->counters[own_].bytes_received += static_cast<int64_t>(bytes->size());
    lock.unlock();
    VERGE_TRY(Message message, parse_message(*bytes, middle_->options.limits));
    return std::optional<Message>(std::move(message));
  }

  int64_t unsent_bytes() const override {
    const std::lock_guard lock(middle_->mutex);
    return middle_->sent[own_].bytes();
  }

  ChannelCounters counters() const override {
    const std::lock_guard lock(middle_->mutex);
    return middle_->counters[own_];
  }

  void close() override {
    const std::lock_guard lock(middle_->mutex);
    middle_->is_closed[own_] = true;
    middle_->changed.notify_all();
  }

 private:
  static Error closed() { return make_error(Code::Cancelled, "the channel is closed"); }

  const std::shared_ptr<Middle> middle_;
  const int own_;
  const int other_;
};

}  // namespace

ChannelPair make_channel_pair(const PairOptions& options) {
  const auto middle = std::make_shared<Middle>(options);
  return {.first = std::make_unique<PairEnd>(middle, 0),
          .second = std::make_unique<PairEnd>(middle, 1)};
}

}  // namespace verge::net
