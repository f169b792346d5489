#pragma once
// Clock: where time comes from. Programs hand a SystemClock down; tests and the simulator hand down
// others.

namespace verge {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds since some fixed point; never goes back.
  virtual double seconds() const = 0;
};

class SystemClock : public Clock {
 public:
  double seconds() const override;
};

}  // namespace verge
