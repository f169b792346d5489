#pragma once
// LinkModel: when a message over a link is there. Pure arithmetic with explicit state: no thread,
// no clock, the same for the same seed. Times in seconds from the beginning of the trace.
//
//   VERGE_TRY(LinkModel link, LinkModel::make({.trace = constant_link(8e6, 0.02)}));
//   link.arrival(0, 10'000);  // 0.03: 10 ms to leave, 20 ms on the way
//   link.arrival(0, 10'000);  // 0.04: it left behind the first one
//
// A message leaves byte by byte as the trace's bandwidth and a token bucket let it, then travels
// for the trace's delay and a jitter, and never overtakes an earlier one. In an outage (bandwidth
// 0) nothing leaves, whatever the bucket holds; what is on its way arrives. Loss is that of the
// connection below a reliable transport: a lost packet of 1400 bytes comes a retransmission
// time-out later, or as many as it is lost times, and all behind it waits for it. What TCP's
// congestion control makes of loss is not modelled: bandwidth is what the trace says.

#include <cstdint>

#include <verge/core/rng.hpp>
#include <verge/platform/net/link/link_capacity.hpp>

namespace verge::net {

struct LinkOptions {
  LinkTrace trace;
  int64_t bucket_bytes = 0;       // that may leave at once after a rest; full at the beginning
  double jitter_s = 0;            // each message travels longer by up to this, uniformly
  double loss = 0;                // the probability for each packet, 0 to 0.9
  double retransmission_s = 0.2;  // the least time-out of Linux; RFC 6298 has 1 s
  uint64_t seed = 0;              // of jitter and loss
};

class LinkModel {
 public:
  static constexpr int64_t kPacketBytes = 1400;

  /// InvalidArgument, naming the option, for a trace that fails check_trace() or numbers out of
  /// range.
  static Result<LinkModel> make(LinkOptions options);

  /// When a message of `bytes`, handed over at `now_s`, is wholly there, given all before. It
  /// begins to leave at `now_s` or free_at(), whichever is later. Infinite if that never happens.
  double arrival(double now_s, int64_t bytes);
  /// When the last byte of all messages so far has left.
  double free_at() const { return free_at_s_; }

 private:
  explicit LinkModel(LinkOptions options);
  double lost_packets_arrival(double start_s, double passed, double tokens, int64_t bytes);
  double leaves(double start_s, double passed, double tokens, double bytes) const;

  LinkOptions options_;
  LinkCapacity capacity_;
  Rng jitter_;
  Rng loss_;
  double free_at_s_ = 0;
  double last_arrival_s_ = 0;
  double tokens_;  // in the bucket when the capacity so far was used_bytes_
  double used_bytes_ = 0;
};

}  // namespace verge::net
