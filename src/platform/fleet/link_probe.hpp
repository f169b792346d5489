#pragma once
// How far apart two nodes are: round trips and rates measured over a Channel whose other end
// answers probes.

#include <verge/core/clock.hpp>
#include <verge/platform/fleet/node_protocol.hpp>

namespace verge::fleet {

struct LinkReport {
  double round_trip_s = 0;  // median of small probes
  double up_bytes_per_s = 0;
  double down_bytes_per_s = 0;
};

struct ProbeOptions {
  int round_trips = 9;
  double timeout_s = 10;  // of one answer
  /// A load is doubled until its way takes this much longer than an empty one's, or it is the
  /// largest there is.
  double enough_s = 0.05;
};

/// Fails as the channel does, with Cancelled where an answer does not come in time, Malformed for
/// answers to other probes.
Result<LinkReport> probe_link(Channel& channel, const Clock& clock,
                              const ProbeOptions& options = {});

/// The other end: what is sent back for a probe.
ProbeAnswer answer(const Probe& probe);

}  // namespace verge::fleet
