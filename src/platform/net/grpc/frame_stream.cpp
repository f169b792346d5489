#include <algorithm>
#include <chrono>
#include <utility>

#include <verge/platform/net/grpc/frame_stream.hpp>

namespace verge::net {
namespace {

constexpr int kNormal = 0, kUrgent = 1;
constexpr double kLongestWait_s = 1e8;  // what steady clocks can add to now

std::chrono::duration<double> wait_of(double timeout_s) {
  return std::chrono::duration<double>(std::clamp(timeout_s, 0.0, kLongestWait_s));
}

// What a frame costs beside its payload, so that empty ones fill a window, too.
constexpr int64_t kFrameBytes = 64;

// In front of each message in the HTTP/2 stream (gRPC over HTTP2: compressed flag and length).
constexpr int64_t kPrefixBytes = 5;

Error closed_here(const std::string& peer) {
  return make_error(Code::Cancelled, "the channel to {} was closed", peer);
}

}  // namespace

FrameStream::FrameStream(const StreamLimits& limits, std::string peer)
    : limits_(limits), peer_(peer), reader_(limits.message_bytes, std::move(peer)) {}

void FrameStream::begin() {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  outgoing_ = hello_frame(limits_.message_bytes);
  start_write(outgoing_);
  read_next();
}

Status FrameStream::send(const Message& message, Channel::Lane lane) {
  VERGE_TRY(Payload payload, make_payload(message, {.bytes = limits_.message_bytes}));
  const int64_t size = static_cast<int64_t>(payload.bytes.size());
  const int64_t bytes = size + kFrameBytes;
  const std::lock_guard lock(mutex_);
  if (is_closed_) return closed_here(peer_);
  if (error_) return *error_;
  const int64_t most =
      was_greeted_ ? std::min(limits_.message_bytes, peer_message_bytes_) : limits_.message_bytes;
  if (size > most) {
    return make_error(Code::InvalidArgument,
                      "a message of {} bytes to {}: at most {} are possible; send it in parts",
                      size, peer_, most);
  }
  const int which = lane == Channel::Lane::Urgent ? kUrgent : kNormal;
  Lane& queue = lanes_[which];
  if (queue.bytes > 0 && queue.bytes + bytes > limits_.send_window_bytes) {
    return make_error(Code::Busy,
                      "{} bytes wait to be sent to {}, {} more do not fit the window of {}: try "
                      "again when some have left",
                      queue.bytes, peer_, bytes, limits_.send_window_bytes);
  }
  queue.bytes += bytes;
  queue.waiting.push_back(std::move(payload));
  write_next();
  return {};
}

void FrameStream::write_next() {
  if (is_writing_ || has_ended_writing_ || is_over_) return;
  for (const int which : {kUrgent, kNormal}) {
    Lane& lane = lanes_[which];
    if (lane.waiting.empty()) continue;
    outgoing_ = message_frame(next_sequence_++, std::move(lane.waiting.front()));
    lane.waiting.pop_front();
    outgoing_lane_ = which;
    is_writing_ = true;
    start_write(outgoing_);
    return;
  }
  if (!is_closed_ && last_words_.empty()) return;
  if (!outgoing_.is_last()) {
    outgoing_ = last_frame(next_sequence_++, last_words_);
    is_writing_ = true;
    start_write(outgoing_);
  } else {
    has_ended_writing_ = true;
    end_writing();
  }
}

void FrameStream::was_written(bool is_ok) {
  const std::lock_guard lock(mutex_);
  is_writing_ = false;
  if (outgoing_lane_ >= 0) {
    lanes_[outgoing_lane_].bytes -= static_cast<int64_t>(outgoing_.payload().size()) + kFrameBytes;
    outgoing_lane_ = -1;
    if (is_ok) ++counters_.messages_sent;
  }
  if (!is_ok) {
    // Why is known when the carrier ends; reading finds it out.
    has_ended_writing_ = true;
    return;
  }
  counters_.bytes_sent += static_cast<int64_t>(outgoing_.ByteSizeLong()) + kPrefixBytes;
  write_next();
}

void FrameStream::read_next() {
  const bool has_room =
      is_closed_ || inbox_bytes_ < static_cast<size_t>(limits_.receive_window_bytes);
  if (is_reading_ || is_over_ || !has_room) return;
  is_reading_ = true;
  start_read(incoming_);
}

void FrameStream::was_read(bool is_ok) {
  // Only this flow touches the frame and its reader, one frame at a time.
  std::optional<Result<std::optional<Message>>> read;
  if (is_ok) read.emplace(reader_.read(incoming_));
  bool is_hello = false;
  {
    const std::lock_guard lock(mutex_);
    is_reading_ = false;
    if (!is_ok) {
      if (!is_over_) end_all(nullptr);
      is_over_ = true;
      return;
    }
    counters_.bytes_received += static_cast<int64_t>(incoming_.ByteSizeLong()) + kPrefixBytes;
    if (!read->ok()) return end_now(read->error(), true);
    is_hello = !was_greeted_ && reader_.was_greeted();
    was_greeted_ = reader_.was_greeted();
    peer_message_bytes_ = reader_.peer_message_bytes();
    if (reader_.has_ended() && !is_closed_) {
      return end_now(end_of_peer(), false);
    }
    if (read->value()) accept(std::move(*read->value()), incoming_.payload().size() + kFrameBytes);
    changed_.notify_all();
  }
  if (is_hello) on_hello();
  const std::lock_guard lock(mutex_);
  read_next();
}

Error FrameStream::end_of_peer() const {
  const std::string& why = reader_.last_words();
  return why.empty() ? make_error(Code::Cancelled, "{} closed the channel", peer_)
                     : make_error(Code::Io, "{} ended the channel: {}; dial again", peer_, why);
}

void FrameStream::accept(Message message, size_t bytes) {
  ++counters_.messages_received;
  if (is_closed_) return;
  inbox_bytes_ += bytes;
  inbox_.push_back({std::move(message), bytes});
}

Result<std::optional<Message>> FrameStream::receive(double timeout_s) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait_of(timeout_s),
                    [this] { return is_closed_ || error_ || !inbox_.empty(); });
  if (is_closed_) return closed_here(peer_);
  if (inbox_.empty()) {
    if (error_) return *error_;
    return std::optional<Message>();
  }
  Received next = std::move(inbox_.front());
  inbox_.pop_front();
  inbox_bytes_ -= next.bytes;
  read_next();
  return std::optional<Message>(std::move(next.message));
}

Status FrameStream::wait_for_hello(double timeout_s) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait_of(timeout_s), [this] { return was_greeted_ || error_; });
  if (was_greeted_) return {};
  if (error_) return *error_;
  return make_error(Code::Io,
                    "{}: no answer within {} s; check the address, and that no firewall drops "
                    "its packets",
                    peer_, timeout_s);
}

void FrameStream::close() {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return;
  is_closed_ = true;
  inbox_.clear();
  inbox_bytes_ = 0;
  changed_.notify_all();
  if (is_over_) return;
  limit_lingering();
  write_next();
  read_next();  // what nobody wants any more, up to the other end's last frame
}

void FrameStream::end_after_sending(std::string why) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  set_error(make_error(Code::Io, "the channel to {} ended: {}", peer_, why));
  last_words_ = std::move(why);
  write_next();
}

void FrameStream::fail(Error why) {
  const std::lock_guard lock(mutex_);
  end_now(std::move(why), true);
}

void FrameStream::end_now(Error why, bool tell) {
  set_error(why);
  if (is_over_) return;
  is_over_ = true;
  end_all(tell ? &why : nullptr);
}

void FrameStream::set_error(Error why) {
  if (!error_) error_ = std::move(why);
  changed_.notify_all();
}

void FrameStream::has_ended(const Error& why) {
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  set_error(why);
}

int64_t FrameStream::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return lanes_[kNormal].bytes + lanes_[kUrgent].bytes;
}

ChannelCounters FrameStream::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace verge::net
