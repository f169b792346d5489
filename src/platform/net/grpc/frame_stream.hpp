#pragma once
// FrameStream: one end of a stream of frames: two lanes with a window each, an inbox, and why it
// ended. Who carries frames derives from it (grpc_channel.cpp, grpc_server.cpp) and tells it of
// what was written and read; channels are handles to it.

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <verge/platform/net/grpc/frame.hpp>
#include <verge/platform/net/grpc/stream_limits.hpp>

namespace verge::net {

/// Any thread.
class FrameStream {
 public:
  FrameStream(const StreamLimits& limits, std::string peer);
  virtual ~FrameStream() = default;
  FrameStream(const FrameStream&) = delete;

  // What Channel promises.
  Status send(const Message& message, Channel::Lane lane);
  Result<std::optional<Message>> receive(double timeout_s);
  void close();
  int64_t unsent_bytes() const;
  ChannelCounters counters() const;

  /// Until the other end has said hello. Fails with why it did not; Io after `timeout_s`.
  Status wait_for_hello(double timeout_s);
  /// What was taken still goes out, then the other end hears why. Io for both.
  void end_after_sending(std::string why);
  /// For good and at once.
  void fail(Error why);

 protected:
  // What a carrier does. All are called with the lock held and must not wait.
  virtual void start_write(const wire::Frame& frame) = 0;  // frame stays until was_written()
  virtual void start_read(wire::Frame& frame) = 0;         // frame stays until was_read()
  /// All was written that ever will be; reading goes on.
  virtual void end_writing() = 0;
  /// Nothing will be started from now on. `why`: the other end should hear it, whatever waits.
  virtual void end_all(const Error* why) = 0;
  /// This end was closed and waits for the other to take the rest: give up after linger_s.
  virtual void limit_lingering() = 0;
  /// The first frame came and was right.
  virtual void on_hello() {}

  /// What the carrier tells.
  void begin();
  void was_read(bool is_ok);
  void was_written(bool is_ok);
  /// Nothing will be heard of the carrier any more. `why`: what it knows of the end.
  void has_ended(const Error& why);

  /// Whether the last frame came. For end_all() without `why`.
  bool has_peer_ended() const { return reader_.has_ended(); }
  const StreamLimits& limits() const { return limits_; }
  const std::string& peer() const { return peer_; }

 private:
  struct Lane {
    std::deque<Payload> waiting;
    int64_t bytes = 0;
  };
  void write_next();
  void read_next();
  void end_now(Error why, bool tell);
  void set_error(Error why);
  Error end_of_peer() const;
  void accept(Message message, size_t bytes);

  const StreamLimits limits_;
  const std::string peer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;

  std::array<Lane, 2> lanes_;
  wire::Frame outgoing_;
  int outgoing_lane_ = -1;  // of the frame that is being written
  uint64_t next_sequence_ = 1;
  bool is_writing_ = true;  // nothing goes before begin()
  bool has_ended_writing_ = false;
  std::string last_words_;  // of end_after_sending

  FrameReader reader_;
  wire::Frame incoming_;
  bool is_reading_ = false;
  struct Received {
    Message message;
    size_t bytes = 0;
  };
  std::deque<Received> inbox_;
  size_t inbox_bytes_ = 0;
  bool was_greeted_ = false;
  int64_t peer_message_bytes_ = 0;

  bool is_closed_ = false;  // by this end
  bool is_over_ = false;    // nothing may be started
  std::optional<Error> error_;
  ChannelCounters counters_;
};

/// A Channel's face of a stream that somebody owns and that outlives it.
class FrameChannel : public Channel {
 public:
  explicit FrameChannel(FrameStream& stream) : stream_(stream) {}

  using Channel::send;
  Status send(Message message, Lane lane) override { return stream_.send(message, lane); }
  Result<std::optional<Message>> receive(double timeout_s) override {
    return stream_.receive(timeout_s);
  }
  int64_t unsent_bytes() const override { return stream_.unsent_bytes(); }
  ChannelCounters counters() const override { return stream_.counters(); }
  void close() override { stream_.close(); }

 private:
  FrameStream& stream_;
};

}  // namespace verge::net
