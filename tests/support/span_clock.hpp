#pragma once
// SpanClock: a clock for code that looks at the time before and after each run of something: the
// k-th run, counted from 0, lasts as told.

#include <cstddef>
#include <functional>

#include <verge/core/clock.hpp>

namespace verge::test {

class SpanClock : public Clock {
 public:
  /// `span`: seconds of a run.
  explicit SpanClock(std::function<double(size_t run)> span) : span_(std::move(span)) {}

  double seconds() const override {
    if (looks_ % 2 == 1) now_ += span_(looks_ / 2);
    ++looks_;
    return now_;
  }
  size_t looks() const { return looks_; }

 private:
  std::function<double(size_t run)> span_;
  mutable double now_ = 0;
  mutable size_t looks_ = 0;
};

}  // namespace verge::test
