#include <ctime>
#include <thread>

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

TEST(ThreadClock, CountsTheThreadsOwnWorkAlone) {
  const ThreadClock clock;
  const double begin = clock.seconds();
  std::thread([&] {
    const double other = clock.seconds();
    while (clock.seconds() - other < 0.02) {
    }
  }).join();
  EXPECT_LT(clock.seconds() - begin, 0.02);
  const double again = clock.seconds();
  while (clock.seconds() == again) {
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
