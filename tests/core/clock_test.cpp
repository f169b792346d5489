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

}  // namespace
}  // namespace verge
