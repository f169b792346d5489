#include <algorithm>
#include <limits>
#include <utility>

#include <verge/platform/net/grpc/crc32c.hpp>
#include <verge/platform/net/grpc/frame.hpp>
#include <verge/platform/net/printable.hpp>

namespace verge::net {
namespace {

constexpr size_t kMostLastWords = 500;

// Of the whole frame, from that of its payload.
uint32_t frame_crc(uint32_t payload_crc, const wire::Frame& frame) {
  char bytes[9];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(frame.sequence() >> (8 * i));
  bytes[8] = frame.is_last() ? 1 : 0;
  return crc32c({bytes, sizeof(bytes)}, payload_crc);
}

}  // namespace

Result<Payload> make_payload(const Message& message, const MessageLimits& limits) {
  Payload payload;
  VERGE_TRY(payload.bytes, serialize_message(message, limits));
  payload.crc = crc32c(payload.bytes);
  return payload;
}

wire::Frame hello_frame(int64_t message_bytes) {
  wire::Frame frame;
  frame.mutable_hello()->set_major(kWireMajor);
  frame.mutable_hello()->set_minor(kWireMinor);
  frame.mutable_hello()->set_message_bytes(static_cast<uint64_t>(message_bytes));
  return frame;
}

wire::Frame message_frame(uint64_t sequence, Payload payload) {
  wire::Frame frame;
  frame.set_sequence(sequence);
  frame.set_payload(std::move(payload.bytes));
  frame.set_crc32c(frame_crc(payload.crc, frame));
  return frame;
}

wire::Frame last_frame(uint64_t sequence, const std::string& why) {
  wire::Frame frame;
  frame.set_sequence(sequence);
  frame.set_is_last(true);
  frame.set_payload(why);
  frame.set_crc32c(frame_crc(crc32c(why), frame));
  return frame;
}

Status FrameReader::read_hello(const wire::Frame& frame) {
  if (!frame.has_hello()) {
    return make_error(Code::Malformed, "{}: does not begin with its version; is it a Verge node?",
                      peer_);
  }
  const wire::Hello& hello = frame.hello();
  if (hello.major() != kWireMajor) {
    return make_error(Code::Unsupported,
                      "{}: speaks version {}.{} of the protocol and this node {}.{}; update the "
                      "older of the two",
                      peer_, hello.major(), hello.minor(), kWireMajor, kWireMinor);
  }
  peer_message_bytes_ = static_cast<int64_t>(
      std::min<uint64_t>(hello.message_bytes(), std::numeric_limits<int64_t>::max()));
  was_greeted_ = true;
  return {};
}

Status FrameReader::check_order(const wire::Frame& frame) const {
  if (has_ended_) {
    return make_error(Code::Malformed, "{}: frame {} came after the last one", peer_,
                      frame.sequence());
  }
  if (frame.has_hello() || frame.sequence() < next_) {
    return make_error(Code::Malformed, "{}: frame {} came again; the link was tampered with", peer_,
                      frame.sequence());
  }
  if (frame.sequence() > next_) {
    return make_error(Code::Malformed, "{}: frame {} came in place of {}; frames were lost", peer_,
                      frame.sequence(), next_);
  }
  if (static_cast<int64_t>(frame.payload().size()) > limits_.bytes) {
    return make_error(Code::Malformed, "{}: frame {} has {} bytes; at most {} were agreed", peer_,
                      frame.sequence(), frame.payload().size(), limits_.bytes);
  }
  if (frame.crc32c() != frame_crc(crc32c(frame.payload()), frame)) {
    return make_error(Code::Malformed, "{}: frame {} was altered on its way (CRC-32C)", peer_,
                      frame.sequence());
  }
  return {};
}

Result<std::optional<Message>> FrameReader::read(const wire::Frame& frame) {
  if (!was_greeted_) {
    VERGE_RETURN_IF_ERROR(read_hello(frame));
    return std::optional<Message>();
  }
  VERGE_RETURN_IF_ERROR(check_order(frame));
  ++next_;
  if (frame.is_last()) {
    has_ended_ = true;
    last_words_ = printable(frame.payload(), kMostLastWords);
    return std::optional<Message>();
  }
  Result<Message> message = parse_message(frame.payload(), limits_);
  if (message) return std::optional<Message>(std::move(*message));
  return make_error(Code::Malformed, "{}: frame {}: {}; both ends must run the same Verge", peer_,
                    frame.sequence(), message.error().message);
}

}  // namespace verge::net
