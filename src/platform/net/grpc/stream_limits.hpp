#pragma once
// How much a stream may hold, and how long it waits.

#include <cstdint>

namespace verge::net {

constexpr double kLeastPing_s = 0.5;

struct StreamLimits {
  /// Of one message, encoded; larger ones are refused at both ends.
  int64_t message_bytes = 64 << 20;
  /// What waits in a lane to be sent before send() answers Busy. A lane that is empty takes a
  /// message of any allowed size.
  int64_t send_window_bytes = 4 << 20;
  /// What waits for receive() before this end stops reading, so that the other end's window fills.
  int64_t receive_window_bytes = 4 << 20;
  /// How long a server waits for the first frame of a stream.
  double hello_s = 10;
  /// How long a closed stream may go on sending what it had taken.
  double linger_s = 5;
  /// How often a silent peer is asked for a sign of life (not below kLeastPing_s, which servers
  /// take for an attack), and how long its answer may take.
  double ping_s = 10;
  double ping_timeout_s = 5;
};

}  // namespace verge::net
