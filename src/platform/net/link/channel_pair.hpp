#pragma once
// ChannelPair: two ends of a Channel within one process. Messages pass through their bytes on the
// wire, so that counters, limits and errors are those of a real one. Any thread may use any end;
// the ends outlive each other.
//
//   auto [edge, cloud] = make_channel_pair();
//   VERGE_RETURN_IF_ERROR(edge->send({.kind = 1, .body = "hello", .tensors = {}}));
//   VERGE_TRY(std::optional<Message> message, cloud->receive(1.0));
//
// There is no way between the ends: what was sent lies at the other end at once, and is unsent
// until received there. An urgent message overtakes the normal ones that have not been received.
// After close() of one end the other still receives what was sent before, then Cancelled; the end
// itself receives nothing more. An end that is destroyed closes.

#include <memory>

#include <verge/core/channel.hpp>
#include <verge/platform/net/codec/message_codec.hpp>

namespace verge::net {

struct PairOptions {
  /// Of each lane and direction: send() is Busy while a lane holds messages with which the next one
  /// would exceed it. One alone may be greater.
  int64_t send_window_bytes = 256 << 10;
  MessageLimits limits;
};

struct ChannelPair {
  std::unique_ptr<Channel> first;
  std::unique_ptr<Channel> second;
};

/// Beside Channel's errors, send() fails with InvalidArgument for a message beyond the limits.
ChannelPair make_channel_pair(const PairOptions& options = {});

}  // namespace verge::net
