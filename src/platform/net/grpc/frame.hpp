#pragma once
// Frames: what carries a message over a stream, and the reader that believes nothing.

#include <cstdint>
#include <optional>
#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/net/codec/message_codec.hpp>
#include <verge/platform/net/grpc/wire.pb.h>

namespace verge::net {

constexpr uint32_t kWireMajor = 1;  // of what nodes of another version cannot read
constexpr uint32_t kWireMinor = 1;  // 1: the join service tells the port for nodes

/// A message as bytes, with the CRC-32C of them.
struct Payload {
  std::string bytes;
  uint32_t crc = 0;
};
/// InvalidArgument where the message is larger or has more tensors than allowed.
Result<Payload> make_payload(const Message& message, const MessageLimits& limits = {});

wire::Frame hello_frame(int64_t message_bytes);
/// sequence > 0.
wire::Frame message_frame(uint64_t sequence, Payload payload);
/// The end of a stream that was closed, or that ends for a reason that the other end should read.
wire::Frame last_frame(uint64_t sequence, const std::string& why = {});

/// Of one direction of one stream; one thread.
class FrameReader {
 public:
  /// Payloads of more than `message_bytes` are refused; `peer` names the other end in errors.
  FrameReader(int64_t message_bytes, std::string peer)
      : limits_{.bytes = message_bytes}, peer_(std::move(peer)) {}

  /// The message in a frame; nothing for the first frame and the last. Malformed for a frame that
  /// is altered, comes twice or out of order, or holds no message, Unsupported for another major
  /// version. After an error the stream is of no more use.
  Result<std::optional<Message>> read(const wire::Frame& frame);

  bool was_greeted() const { return was_greeted_; }
  bool has_ended() const { return has_ended_; }
  /// Why, where it was not closed.
  const std::string& last_words() const { return last_words_; }
  /// The largest payload that the other end takes.
  int64_t peer_message_bytes() const { return peer_message_bytes_; }

 private:
  Status read_hello(const wire::Frame& frame);
  Status check_order(const wire::Frame& frame) const;

  MessageLimits limits_;
  std::string peer_;
  uint64_t next_ = 1;
  int64_t peer_message_bytes_ = 0;
  bool was_greeted_ = false;
  bool has_ended_ = false;
  std::string last_words_;
};

}  // namespace verge::net
