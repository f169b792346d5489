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

/// The calling thread's time on a processor: it stands still while the thread waits, or others have
/// its core.
class ThreadClock : public Clock {
 public:
  double seconds() const override;
};

/// The calendar: seconds since 1970-01-01 00:00 UTC, for what must be known after a restart. Unlike
/// others it goes back when somebody sets the machine's date.
class CalendarClock : public Clock {
 public:
  double seconds() const override;
};

}  // namespace verge
