#include <ctime>

#include <gtest/gtest.h>

#include <verge/core/clock.hpp>

namespace verge {
namespace {

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  double last = clock.seconds();
  for (int i = 0; i < 1000; ++i) {
    const double now = clock.seconds();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(CalendarClock, TellsTheSecondsSince1970) {
  const std::time_t before = std::time(nullptr);
  const double now = CalendarClock().seconds();
  EXPECT_GE(now, static_cast<double>(before));
  EXPECT_LE(now, static_cast<double>(std::time(nullptr) + 1));
}

}  // namespace
}  // namespace verge
