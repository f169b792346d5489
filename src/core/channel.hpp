#pragma once
// Channel: messages with tensors between two nodes, in order, each once. platform/net makes them:
// within one process or over gRPC with TLS, alone or below an emulated link. One thread may send
// while another receives.
//
//   VERGE_RETURN_IF_ERROR(channel.send({.kind = kFinish, .body = finish.SerializeAsString()},
//   Channel::Lane::Urgent)); VERGE_TRY(std::optional<Message> answer, channel.receive(0.2)); if
//   (!answer) ...  // nothing came in 0.2 s

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>

namespace verge {

/// A tensor as it travels: what a codec made of its values (platform/net/codec/tensor_codec.hpp).
struct PackedTensor {
  std::string codec;
  Shape shape;
  std::vector<std::byte> data;
};

struct Message {
  uint32_t kind = 0;      // in the protocol of the two ends, which pass over kinds they do not know
  std::string body = {};  // its fields, in that protocol's encoding
  std::vector<PackedTensor> tensors = {};
};

struct ChannelCounters {
  int64_t messages_sent = 0;
  int64_t messages_received = 0;
  int64_t bytes_sent = 0;  // as they travel, with all framing that is known
  int64_t bytes_received = 0;

  ChannelCounters& operator+=(const ChannelCounters& more) {
    messages_sent += more.messages_sent;
    messages_received += more.messages_received;
    bytes_sent += more.bytes_sent;
    bytes_received += more.bytes_received;
    return *this;
  }
};

class Channel {
 public:
  /// Messages of a lane arrive in their order; urgent ones before those normal ones that have not
  /// left yet.
  enum class Lane { Normal, Urgent };

  virtual ~Channel() = default;
  /// Takes a message for sending and returns at once. Fails with Busy while the send window is
  /// full, Io when the link is lost for good, Cancelled after close().
  virtual Status send(Message message, Lane lane) = 0;
  Status send(Message message) { return send(std::move(message), Lane::Normal); }
  /// The next message, waiting for it `timeout_s` at most; nothing if none came. Fails with Io when
  /// the link is lost for good, Cancelled after close() of either end, Malformed for bytes that are
  /// no message: then for ever.
  virtual Result<std::optional<Message>> receive(double timeout_s) = 0;
  /// Bytes taken and not yet on their way.
  virtual int64_t unsent_bytes() const = 0;
  virtual ChannelCounters counters() const = 0;
  /// Wakes who waits. May be called from any thread, more than once.
  virtual void close() = 0;
};

}  // namespace verge
