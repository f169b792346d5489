#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include <verge/core/units.hpp>
#include <verge/platform/net/codec/message_codec.hpp>
#include <verge/platform/net/link/shaped_channel.hpp>

namespace verge::net {
namespace {

// The channel below does not say when it has room again. It has none while its peer does not read.
constexpr double kRoomBelowS = 0.005;
constexpr int kMostTriesAtEnd = 200;
// A longer wait could overflow what the condition variable counts in.
constexpr double kLongestSleepS = 1e6;

Error shaped_closed() {
  return make_error(Code::Cancelled, "the channel is closed");
}

}  // namespace

ShapedChannel::ShapedChannel(std::unique_ptr<Channel> below, LinkModel link, const Clock& clock,
                             int64_t send_window_bytes)
    : below_(std::move(below)),
      clock_(clock),
      start_s_(clock.seconds()),
      window_bytes_(send_window_bytes),
      link_(std::move(link)),
      thread_([this] { run(); }) {}

ShapedChannel::~ShapedChannel() {
  ShapedChannel::close();
  thread_.join();
}

Status ShapedChannel::send(Message message, Lane lane) {
  const int64_t bytes = wire_bytes(message);
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  if (is_closed_) return shaped_closed();
  const double now_s = link_time();
  let_leave(now_s);
  const int64_t unsent = unsent_bytes_of(lane);
  if (unsent > 0 && unsent + bytes > window_bytes_) {
    return make_error(Code::Busy, "the send window of {} is full; send again later",
                      show_bytes(window_bytes_));
  }
  waiting(lane).push_back({std::move(message), bytes, now_s});
  let_leave(now_s);
  changed_.notify_all();
  return {};
}

Result<std::optional<Message>> ShapedChannel::receive(double timeout_s) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return shaped_closed();
  }
  return below_->receive(timeout_s);
}

int64_t ShapedChannel::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return unsent_bytes_of(Lane::Normal) + unsent_bytes_of(Lane::Urgent);
}

ChannelCounters ShapedChannel::counters() const {
  return below_->counters();
}

void ShapedChannel::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

void ShapedChannel::cut() {
  const std::lock_guard lock(mutex_);
  if (cut_at_s_) return;
  let_leave(link_time());
  cut_at_s_ = clock_.seconds();
}

void ShapedChannel::mend() {
  const std::lock_guard lock(mutex_);
  if (!cut_at_s_) return;
  outages_s_ += clock_.seconds() - *cut_at_s_;
  cut_at_s_.reset();
  changed_.notify_all();
}

// From the beginning of the trace.
double ShapedChannel::link_time() const {
  const double now_s = cut_at_s_ ? *cut_at_s_ : clock_.seconds();
  return std::max(0.0, now_s - start_s_ - outages_s_);
}

// Only the last of those that travel can still be leaving.
int64_t ShapedChannel::unsent_bytes_of(Lane lane) const {
  int64_t bytes = 0;
  for (const Waiting& one : waiting_[static_cast<size_t>(lane)]) bytes += one.bytes;
  if (travelling_.empty()) return bytes;
  const Travelling& last = travelling_.back();
  return last.lane == lane && last.left_s > link_time() ? bytes + last.bytes : bytes;
}

// Gives the link those messages that begin to leave until `now_s`. The model takes the times at
// which they were handed over, so that what the thread oversleeps adds nothing.
void ShapedChannel::let_leave(double now_s) {
  while (link_.free_at() <= now_s) {
    const Lane lane = waiting(Lane::Urgent).empty() ? Lane::Normal : Lane::Urgent;
    if (waiting(lane).empty()) return;
    Waiting& next = waiting(lane).front();
    const double arrival_s = link_.arrival(next.handed_s, next.bytes);
    travelling_.push_back({std::move(next.message), next.bytes, lane, link_.free_at(), arrival_s});
    waiting(lane).pop_front();
  }
}

// Gives the first of those that travel to the channel below: in the normal lane, for their order
// has been decided here.
void ShapedChannel::hand_over(std::unique_lock<std::mutex>& lock) {
  Message message = travelling_.front().message;  // a copy: the channel below may be full
  lock.unlock();
  const Status status = below_->send(std::move(message), Lane::Normal);
  lock.lock();
  if (status) {
    travelling_.pop_front();
  } else if (status.error().code == Code::Busy) {
    sleep(lock, kRoomBelowS);
  } else {
    failure_ = status.error();
  }
}

// What was taken is not lost with this end: it goes as the lanes order it, without its times.
void ShapedChannel::hand_over_rest(std::unique_lock<std::mutex>& lock) {
  for (const Lane lane : {Lane::Urgent, Lane::Normal}) {
    for (Waiting& one : waiting(lane)) {
      travelling_.push_back({std::move(one.message), one.bytes, lane, 0, 0});
    }
    waiting(lane).clear();
  }
  for (int tries = 0; !travelling_.empty() && !failure_ && tries < kMostTriesAtEnd;) {
    const size_t before = travelling_.size();
    hand_over(lock);
    if (travelling_.size() == before) ++tries;
  }
}

void ShapedChannel::sleep(std::unique_lock<std::mutex>& lock, double seconds) {
  changed_.wait_for(lock, std::chrono::duration<double>(std::min(seconds, kLongestSleepS)));
}

void ShapedChannel::run() {
  std::unique_lock lock(mutex_);
  while (!is_closed_ && !failure_) {
    const double now_s = link_time();
    let_leave(now_s);
    if (!travelling_.empty() && travelling_.front().arrival_s <= now_s) {
      hand_over(lock);
      continue;
    }
    const bool has_waiting = !waiting(Lane::Normal).empty() || !waiting(Lane::Urgent).empty();
    const double leaves_s = has_waiting ? link_.free_at() : std::numeric_limits<double>::infinity();
    const double next_s =
        travelling_.empty() ? leaves_s : std::min(leaves_s, travelling_.front().arrival_s);
    if (cut_at_s_ || !std::isfinite(next_s)) {
      changed_.wait(lock);
    } else {
      sleep(lock, next_s - now_s);
    }
  }
  if (is_closed_ && !cut_at_s_) hand_over_rest(lock);
  below_->close();  // after a failure, too: both ends learn that something is missing
}

}  // namespace verge::net
