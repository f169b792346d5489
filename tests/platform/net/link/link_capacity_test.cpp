// Against sums by hand, and a slow integration in small steps.

#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/platform/net/link/link_capacity.hpp>

namespace verge::net {
namespace {

// 1000 B/s for 2 s, an outage of 1 s, 4000 B/s for 1 s: 6000 bytes a round of 4 s.
LinkTrace rising_link() {
  return {.name = "rising", .steps = {{0, 8000, 0.1}, {2, 0, 0.2}, {3, 32000, 0.3}}, .period_s = 4};
}

TEST(LinkCapacity, AConstantLinkIsALine) {
  const LinkCapacity link(constant_link(8e6, 0.02));
  EXPECT_DOUBLE_EQ(link.bytes_by(3), 3e6);
  EXPECT_DOUBLE_EQ(link.time_of(3e6), 3);
  EXPECT_EQ(link.time_of(0), 0);
  EXPECT_EQ(link.delay_at(1e9), 0.02);
  EXPECT_EQ(link.up_from(5), 5);
}

TEST(LinkCapacity, StepsAndRoundsAddUp) {
  const LinkCapacity link(rising_link());
  struct Case {
    double time_s, bytes;
  };
  const Case passed[] = {{0, 0},      {1, 1000}, {2, 2000}, {2.5, 2000}, {3, 2000},
                         {3.5, 4000}, {4, 6000}, {5, 7000}, {6.5, 8000}, {4e6 + 1, 6e9 + 1000}};
  for (const Case& it : passed) {
    EXPECT_NEAR(link.bytes_by(it.time_s), it.bytes, 1e-5) << it.time_s;
  }
  // The first time by which as many have passed: of an outage, its beginning.
  const Case first[] = {{1, 1000},  {2, 2000},     {3.25, 3000},
                        {4, 6000},  {4.001, 6001}, {6, 8000},
                        {8, 12000}, {4e6, 6e9},    {4e6 + 1, 6e9 + 1000}};
  for (const Case& it : first) {
    EXPECT_NEAR(link.time_of(it.bytes), it.time_s, 1e-8) << it.bytes;
  }
}

TEST(LinkCapacity, OutagesEnd) {
  const LinkCapacity link(rising_link());
  EXPECT_EQ(link.up_from(1.5), 1.5);
  EXPECT_DOUBLE_EQ(link.up_from(2), 3);
  EXPECT_DOUBLE_EQ(link.up_from(6.75), 7);
  LinkTrace late = rising_link();
  late.steps[2].bandwidth_bps = 0;  // up again only in the next round
  EXPECT_DOUBLE_EQ(LinkCapacity(late).up_from(2.5), 4);
  EXPECT_DOUBLE_EQ(LinkCapacity(late).time_of(2000), 2);
  EXPECT_NEAR(LinkCapacity(late).time_of(2001), 4.001, 1e-12);
}

TEST(LinkCapacity, DelaysFollowTheSteps) {
  const LinkCapacity link(rising_link());
  EXPECT_EQ(link.delay_at(0), 0.1);
  EXPECT_EQ(link.delay_at(2), 0.2);
  EXPECT_EQ(link.delay_at(3.99), 0.3);
  EXPECT_EQ(link.delay_at(4), 0.1);
}

TEST(LinkCapacity, WhatNeverPassesIsNever) {
  EXPECT_TRUE(std::isinf(LinkCapacity(constant_link(0, 0)).time_of(1)));
  EXPECT_TRUE(std::isinf(LinkCapacity(constant_link(0, 0)).up_from(1)));
  EXPECT_EQ(LinkCapacity(constant_link(0, 0)).bytes_by(1e9), 0);
  LinkTrace dead = rising_link();
  for (LinkStep& step : dead.steps) step.bandwidth_bps = 0;
  EXPECT_TRUE(std::isinf(LinkCapacity(dead).time_of(1)));
  EXPECT_TRUE(std::isinf(LinkCapacity(dead).up_from(1)));
  // One that ends in an outage for ever.
  const LinkTrace ends = {.name = "", .steps = {{0, 8000, 0}, {1, 0, 0}}};
  EXPECT_DOUBLE_EQ(LinkCapacity(ends).time_of(1000), 1);
  EXPECT_TRUE(std::isinf(LinkCapacity(ends).time_of(1001)));
  EXPECT_EQ(LinkCapacity(ends).bytes_by(50), 1000);
}

// Random traces: the two functions are each other's inverse, and the first is the integral.
TEST(LinkCapacity, TheInverseIsOne) {
  Rng rng(1);
  for (int round = 0; round < 50; ++round) {
    LinkTrace trace;
    double time_s = 0;
    for (uint32_t i = 0; i <= rng.below(9); ++i) {
      trace.steps.push_back({time_s, rng.below(3) == 0 ? 0 : 1e6 * (0.1 + rng.uniform()), 0});
      time_s += 0.01 + rng.uniform();
    }
    trace.steps[0].bandwidth_bps = 5e5;
    if (round % 2 == 0) trace.period_s = time_s;
    const LinkCapacity link(trace);
    for (double at = 0.001; at < 3 * time_s; at += 0.37 * rng.uniform()) {
      const double bytes = link.bytes_by(at);
      EXPECT_LE(link.time_of(bytes - 1e-6), at + 1e-9);
      if (std::isfinite(link.time_of(bytes + 1))) {
        EXPECT_NEAR(link.bytes_by(link.time_of(bytes + 1)), bytes + 1, 1e-6);
      }
      EXPECT_GE(link.bytes_by(at + 0.01), bytes - 1e-6);
    }
  }
}

}  // namespace
}  // namespace verge::net
