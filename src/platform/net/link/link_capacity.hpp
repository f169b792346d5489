#pragma once
// LinkCapacity: how many bytes a trace lets pass, as a function of time and its inverse, both exact
// across steps and repetitions. A constant plain value; times in seconds from the trace's
// beginning.

#include <cstddef>
#include <vector>

#include <verge/platform/net/link/link_trace.hpp>

namespace verge::net {

class LinkCapacity {
 public:
  /// `trace` passes check_trace().
  explicit LinkCapacity(LinkTrace trace);

  /// Bytes that pass between 0 and `time_s`, which is 0 or later. Cost: log2(steps).
  double bytes_by(double time_s) const;
  /// The first time by which `bytes` have passed; infinite if that never happens.
  double time_of(double bytes) const;
  /// The first time at or after `time_s` at which the bandwidth is not 0; infinite if there is
  /// none.
  double up_from(double time_s) const;
  /// One-way propagation at a time.
  double delay_at(double time_s) const;

 private:
  struct Place {
    double rounds;  // whole repetitions before
    double time_s;  // within this one
    size_t step;
  };
  Place place_of(double time_s) const;

  LinkTrace trace_;
  std::vector<double> before_;  // bytes that pass before each step of one round
  double round_bytes_ = 0;      // in a whole one; infinite where it never ends
};

}  // namespace verge::net
