#pragma once
// A Message to bytes and back (codec/message.proto), for the wire of any transport. Free functions
// without state. Parsing distrusts the bytes: what they make the parser allocate is a small
// multiple of their number, known before it begins. Tensors stay packed: their shapes and data are
// checked by unpack() (codec/tensor_codec.hpp).
//
//   VERGE_TRY(const std::string bytes, serialize_message(message));
//   VERGE_TRY(Message same, parse_message(bytes));

#include <cstdint>
#include <string>
#include <string_view>

#include <verge/core/channel.hpp>

namespace verge::net {

struct MessageLimits {
  int64_t bytes = 64 << 20;  // of a message on the wire; below 2 GiB
  int tensors = 64;
};

/// How many bytes serialize_message() makes, without making them.
int64_t wire_bytes(const Message& message);

/// InvalidArgument where the message is beyond the limits.
Result<std::string> serialize_message(const Message& message, const MessageLimits& limits = {});

/// Passes over fields it does not know, as many as a later version may add. Malformed for bytes
/// that are no message, more tensors than allowed, or a shape of more than Shape::kMaxRank extents;
/// Unsupported for more bytes than allowed.
Result<Message> parse_message(std::string_view bytes, const MessageLimits& limits = {});

}  // namespace verge::net
