#pragma once
// A clock that a test moves; any thread.

#include <atomic>

#include <verge/core/clock.hpp>

namespace verge::test {

class ManualClock : public Clock {
 public:
  double seconds() const override { return seconds_; }
  void advance(double seconds) { seconds_ = seconds_ + seconds; }

 private:
  std::atomic<double> seconds_{1000};
};

}  // namespace verge::test
