#include <gtest/gtest.h>

#include <verge/engine/runtime/governor.hpp>

namespace verge::runtime {
namespace {

constexpr GovernorLimits kLimits{
    .min_battery = 0.3, .warm_celsius = 70, .hot_celsius = 90, .busy_load = 0.5};

Pace pace(const Telemetry& now, bool was_paused = false) {
  return keep_limits(kLimits, now, {.is_paused = was_paused});
}

TEST(Governor, WithoutSensorsOrLimitsNothingHoldsIt) {
  EXPECT_FALSE(pace({}).is_paused);
  EXPECT_EQ(pace({}).share, 1);
  const Telemetry bad{.battery = 0.01, .celsius = 120, .load = 0.99};
  EXPECT_FALSE(keep_limits({}, bad, {}).is_paused);
  EXPECT_EQ(keep_limits({}, bad, {}).share, 1);
}

TEST(Governor, PausesOnALowBatteryUntilItHasClearlyMore) {
  EXPECT_FALSE(pace({.battery = 0.31}).is_paused);
  EXPECT_TRUE(pace({.battery = 0.29}).is_paused);
  EXPECT_TRUE(pace({.battery = 0.34}, true).is_paused);
  EXPECT_FALSE(pace({.battery = 0.36}, true).is_paused);
  EXPECT_FALSE(pace({}, true).is_paused);  // plugged in
}

TEST(Governor, SlowsDownAsItWarmsAndPausesWhenHot) {
  EXPECT_EQ(pace({.celsius = 70}).share, 1);
  EXPECT_DOUBLE_EQ(pace({.celsius = 80}).share, 0.625);
  EXPECT_TRUE(pace({.celsius = 90}).is_paused);
  EXPECT_TRUE(pace({.celsius = 75}, true).is_paused);
  EXPECT_FALSE(pace({.celsius = 69}, true).is_paused);
}

TEST(Governor, LeavesRoomForOthers) {
  EXPECT_EQ(pace({.load = 0.4}).share, 1);
  EXPECT_EQ(pace({.load = 0.6}).share, 0.5);
  EXPECT_NEAR(pace({.celsius = 89.9, .load = 0.6}).share, 1 - 0.75 * 19.9 / 20, 1e-12);
}

}  // namespace
}  // namespace verge::runtime
