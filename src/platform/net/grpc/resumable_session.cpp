#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <verge/platform/net/grpc/resumable_session.hpp>

namespace verge::net {
namespace {

constexpr int64_t kParcelBytes = 128;    // what a kept message costs beside its content
constexpr double kSettled_s = 3600;      // until a link has news, which wake its receive()
constexpr double kAcknowledge_s = 0.05;  // so that one acknowledgement is for many messages
constexpr double kCongested_s = 0.01;    // until a link that was full is tried again
constexpr double kLook_s = 0.1;          // how often a session without a link looks at the clock

std::chrono::duration<double> span_of(double seconds) {
  return std::chrono::duration<double>(seconds);
}

size_t index_of(Channel::Lane lane) {
  return lane == Channel::Lane::Urgent ? 1 : 0;
}

int64_t size_of(const Message& message) {
  size_t bytes = message.body.size();
  for (const PackedTensor& tensor : message.tensors) bytes += tensor.data.size();
  return static_cast<int64_t>(bytes) + kParcelBytes;
}

uint64_t seed_of(const std::string& id) {
  uint64_t seed = 0;
  std::memcpy(&seed, id.data(), std::min(sizeof(seed), id.size()));
  return seed;
}

// And not of the message.
bool is_of_link(Code code) {
  return code != Code::Busy && code != Code::InvalidArgument;
}

bool is_worth_another_try(Code code) {
  return code == Code::Io || code == Code::Busy || code == Code::Cancelled;
}

}  // namespace

ResumableSession::ResumableSession(std::string id, ResumedLink first, Dial dial, const Clock& clock,
                                   const ResumeOptions& options)
    : id_(std::move(id)),
      dial_(std::move(dial)),
      clock_(clock),
      options_(options),
      offered_(std::move(first)),
      pause_s_(options.first_pause_s),
      jitter_(seed_of(id_)) {
  lost_at_s_ = clock_.seconds();
  thread_ = std::thread([this] { run(); });
}

ResumableSession::~ResumableSession() {
  close();
  {
    Lock lock(mutex_);
    changed_.wait_for(lock, span_of(options_.linger_s), [this] { return is_over_; });
    is_abandoned_ = true;
    if (link_) link_->close();
    changed_.notify_all();
  }
  thread_.join();
}

Status ResumableSession::send(Message message, Lane lane) {
  const Lock lock(mutex_);
  if (is_closed_) return make_error(Code::Cancelled, "the channel was closed");
  if (error_) return *error_;
  SendLane& own = lanes_[index_of(lane)];
  const int64_t bytes = size_of(message);
  if (own.bytes > 0 && own.bytes + bytes > options_.window_bytes) {
    return make_error(
        Code::Busy,
        "{} bytes have not arrived yet, {} more do not fit the window of {}: try again "
        "when some have",
        own.bytes, bytes, options_.window_bytes);
  }
  const bool was_level = own.handed_over == own.kept.size();
  own.kept.push_back({std::move(message), bytes, false});
  own.bytes += bytes;
  if (!link_ || !was_level) return {};
  const Status sent = hand_over_one(lane);
  if (sent || is_of_link(sent.error().code)) return {};  // else kept for the next link
  own.kept.pop_back();
  own.bytes -= bytes;
  return sent;
}

// The first of a lane that the link has not got.
Status ResumableSession::hand_over_one(Lane lane) {
  SendLane& own = lanes_[index_of(lane)];
  const Kept& next = own.kept[own.handed_over];
  const uint64_t sequence = own.acknowledged + own.handed_over + 1;
  const Status sent =
      link_->send(parcel_of(received_, lane, sequence, next.message, next.is_close), lane);
  if (sent) {
    ++own.handed_over;
    has_told();
  } else if (is_of_link(sent.error().code)) {
    link_->close();  // its receive() wakes the thread, which looks for another
  }
  return sent;
}

void ResumableSession::hand_over() {
  for (const Lane lane : {Lane::Urgent, Lane::Normal}) {
    SendLane& own = lanes_[index_of(lane)];
    while (own.handed_over < own.kept.size()) {
      const Status sent = hand_over_one(lane);
      if (sent) continue;
      if (sent.error().code == Code::InvalidArgument) fail(sent.error());
      return;
    }
  }
}

Result<std::optional<Message>> ResumableSession::receive(double timeout_s) {
  Lock lock(mutex_);
  changed_.wait_for(lock, span_of(std::clamp(timeout_s, 0.0, 1e8)),
                    [this] { return is_closed_ || error_ || !inbox_.empty(); });
  if (is_closed_) return make_error(Code::Cancelled, "the channel was closed");
  if (inbox_.empty()) {
    if (error_) return *error_;
    return std::optional<Message>();
  }
  Message message = std::move(inbox_.front().first);
  inbox_bytes_ -= inbox_.front().second;
  inbox_.pop_front();
  changed_.notify_all();
  return std::optional<Message>(std::move(message));
}

void ResumableSession::close() {
  const Lock lock(mutex_);
  if (is_closed_) return;
  is_closed_ = true;
  inbox_.clear();
  inbox_bytes_ = 0;
  changed_.notify_all();
  if (is_over_) return;
  SendLane& own = lanes_[index_of(Lane::Normal)];
  const bool was_level = own.handed_over == own.kept.size();
  own.kept.push_back({Message{}, kParcelBytes, true});
  own.bytes += kParcelBytes;
  // A link that is full is given up: its thread sleeps until there is news.
  if (link_ && was_level && !hand_over_one(Lane::Normal)) link_->close();
}

void ResumableSession::offer(ResumedLink link) {
  const Lock lock(mutex_);
  if (is_over_) return;
  offered_ = std::move(link);
  if (link_) link_->close();
  changed_.notify_all();
}

void ResumableSession::run() {
  Lock lock(mutex_);
  while (!is_over_) {
    bury(lock);
    if (has_all_arrived() || is_abandoned_) break;
    if (offered_) {
      drop_link();
      adopt(*std::exchange(offered_, std::nullopt));
    } else if (link_) {
      go_on_with_link(lock);
    } else {
      find_link(lock);
    }
  }
  drop_link();
  bury(lock);
  is_over_ = true;
  changed_.notify_all();
}

// Channels wait in their destructors.
void ResumableSession::bury(Lock& lock) {
  const auto dead = std::move(dead_);
  dead_.clear();
  if (dead.empty()) return;
  lock.unlock();
  for (const auto& link : dead) link->close();
  lock.lock();
}

bool ResumableSession::has_all_arrived() const {
  return was_closed_by_peer_ || (is_closed_ && lanes_[0].kept.empty() && lanes_[1].kept.empty());
}

double ResumableSession::patience_s() const {
  for (const SendLane& lane : lanes_) {
    if (lane.handed_over < lane.kept.size()) return kCongested_s;
  }
  return told_ != received_ ? kAcknowledge_s : kSettled_s;
}

void ResumableSession::go_on_with_link(Lock& lock) {
  changed_.wait(lock, [this] {
    return inbox_bytes_ < options_.inbox_bytes || is_closed_ || offered_ || is_over_;
  });
  hand_over();
  if (is_over_ || offered_) return;
  const std::shared_ptr<Channel> link = link_;
  const double wait_s = patience_s();
  lock.unlock();
  Result<std::optional<Message>> next = link->receive(wait_s);
  lock.lock();
  if (!next) {
    drop_link();
  } else if (!*next) {
    acknowledge();
  } else if (Result<Delivery> delivery = open_envelope(std::move(**next)); delivery) {
    take(std::move(*delivery));
  } else {
    fail(delivery.error());
  }
}

void ResumableSession::take(Delivery delivery) {
  const wire::Envelope& envelope = delivery.envelope;
  if (!hears_of(marks_of(envelope)) || !envelope.has_parcel()) return;
  wire::Parcel& parcel = *delivery.envelope.mutable_parcel();
  uint64_t& received = received_[parcel.is_urgent() ? 1 : 0];
  if (parcel.sequence() <= received) return;  // came over an earlier link
  if (parcel.sequence() != received + 1) {
    return fail(make_error(Code::Malformed, "message {} came in place of {}; messages were lost",
                           parcel.sequence(), received + 1));
  }
  ++received;
  if (parcel.is_close()) {
    was_closed_by_peer_ = true;
    acknowledge();
    return fail(make_error(Code::Cancelled, "the other end closed the channel"));
  }
  Message message{parcel.kind(), std::move(*parcel.mutable_body()), std::move(delivery.tensors)};
  ++counters_.messages_received;
  const int64_t bytes = size_of(message);
  untold_bytes_ += bytes;
  if (untold_bytes_ > options_.window_bytes / 4) acknowledge();
  if (is_closed_) return;
  inbox_bytes_ += bytes;
  inbox_.emplace_back(std::move(message), bytes);
  changed_.notify_all();
}

// Forgets what has arrived. False, and the session failed, for what was never sent.
bool ResumableSession::hears_of(const Marks& received) {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    SendLane& own = lanes_[i];
    if (received[i] > own.acknowledged + own.kept.size()) {
      fail(make_error(Code::Malformed, "the other end claims to have message {} of {}", received[i],
                      own.acknowledged + own.kept.size()));
      return false;
    }
    while (own.acknowledged < received[i]) {
      if (!own.kept.front().is_close) ++counters_.messages_sent;
      own.bytes -= own.kept.front().bytes;
      own.kept.pop_front();
      ++own.acknowledged;
      if (own.handed_over > 0) --own.handed_over;
    }
  }
  return true;
}

void ResumableSession::acknowledge() {
  if (told_ == received_ || !link_) return;
  if (link_->send(acknowledgement(received_), Lane::Urgent)) has_told();
}

void ResumableSession::has_told() {
  told_ = received_;
  untold_bytes_ = 0;
}

void ResumableSession::adopt(ResumedLink link) {
  link_ = std::move(link.channel);
  pause_s_ = options_.first_pause_s;
  for (SendLane& lane : lanes_) lane.handed_over = 0;
  if (!hears_of(link.received)) return;
  // Who dialled has said it already, and heard this as the answer.
  if (!dial_ && !link_->send(resume_message(received_, id_, false), Lane::Urgent)) {
    return drop_link();
  }
  has_told();
  hand_over();
}

void ResumableSession::drop_link() {
  if (!link_) return;
  count_link();
  link_->close();
  dead_.push_back(std::move(link_));
  link_ = nullptr;
  lost_at_s_ = clock_.seconds();
}

void ResumableSession::count_link() {
  const ChannelCounters link = link_->counters();
  counters_.bytes_sent += link.bytes_sent;
  counters_.bytes_received += link.bytes_received;
}

void ResumableSession::find_link(Lock& lock) {
  if (clock_.seconds() - lost_at_s_ > options_.give_up_s) {
    return fail(make_error(Code::Io,
                           "the link was lost and no other was found for {} s; dial anew when the "
                           "network is back",
                           options_.give_up_s));
  }
  if (dial_) return dial_again(lock);
  changed_.wait_for(lock, span_of(kLook_s),
                    [this] { return offered_.has_value() || is_abandoned_; });
}

void ResumableSession::dial_again(Lock& lock) {
  const Marks received = received_;
  lock.unlock();
  Result<ResumedLink> link = dial_(received);
  lock.lock();
  if (link) return adopt(std::move(*link));
  if (!is_worth_another_try(link.error().code)) {
    return fail(Error{Code::Io, link.error().message});
  }
  const bool was_closed = is_closed_;
  changed_.wait_for(lock, span_of(pause_s_ * (0.5 + 0.5 * jitter_.uniform())),
                    [&] { return is_closed_ != was_closed || is_abandoned_; });
  pause_s_ = std::min(2 * pause_s_, options_.longest_pause_s);
}

void ResumableSession::fail(Error why) {
  if (!error_) error_ = std::move(why);
  is_over_ = true;
  changed_.notify_all();
}

int64_t ResumableSession::unsent_bytes() const {
  const Lock lock(mutex_);
  return lanes_[0].bytes + lanes_[1].bytes;
}

ChannelCounters ResumableSession::counters() const {
  const Lock lock(mutex_);
  ChannelCounters all = counters_;
  if (link_) {
    const ChannelCounters now = link_->counters();
    all.bytes_sent += now.bytes_sent;
    all.bytes_received += now.bytes_received;
  }
  return all;
}

bool ResumableSession::is_over() const {
  const Lock lock(mutex_);
  return is_over_;
}

}  // namespace verge::net
