#pragma once
// A clock that a test moves; any thread.

#include <atomic>

#include <verge/core/clock.hpp>

namespace verge::test {

class ManualClock : public Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(double seconds) : seconds_(seconds) {}

  double seconds() const override { return seconds_; }
  void set(double seconds) { seconds_ = seconds; }
  void advance(double seconds) { seconds_ = seconds_ + seconds; }

 private:
  std::atomic<double> seconds_{1000};
};

}  // namespace verge::test
