#include <gtest/gtest.h>

#include <verge/stages/serve/collab/collab_policy.hpp>

namespace verge::serve {
namespace {

CollabPolicyOptions options_of(CollabMode mode) {
  return {.mode = mode, .theta1 = 0.8, .theta2 = 0.9, .token_deadline_s = 2};
}

// A server that answers in `round_trip_s` beside a step of 0.01 s; the edge's steps take 0.1 s.
CollabPolicyState seen(double round_trip_s) {
  CollabPolicyState state;
  state.edge_step_s.add(0.1);
  observe_token(state, round_trip_s + 0.01, 0.01, 0);
  return state;
}

TEST(CollabPolicy, MeansForgetByAFifth) {
  Ewma mean;
  EXPECT_FALSE(mean.is_known());
  EXPECT_EQ(mean.value_or(7), 7);
  mean.add(10);
  EXPECT_DOUBLE_EQ(mean.value_or(0), 10);
  mean.add(20);
  EXPECT_DOUBLE_EQ(mean.value_or(0), 12);
}

// A link of 1000 bytes a second that is handed 500 bytes at 0 and 2 s.
TEST(CollabPolicy, TheDrainIsSeenOnlyWhileSomethingWaits) {
  DrainMeter meter;
  EXPECT_EQ(meter.observe(0, 500, 500), std::nullopt);
  EXPECT_EQ(meter.observe(0.2, 500, 300), 1000);
  EXPECT_EQ(meter.observe(0.2, 500, 300), std::nullopt);
  EXPECT_NEAR(meter.observe(0.3, 500, 200).value_or(0), 1000, 1e-9);
  EXPECT_EQ(meter.observe(1.8, 500, 0), std::nullopt);  // it was idle for most of that
  EXPECT_EQ(meter.observe(2, 1000, 500), std::nullopt);
  EXPECT_NEAR(meter.observe(2.25, 1000, 250).value_or(0), 1000, 1e-9);
}

TEST(CollabPolicy, WhatIsOnItsWayTogetherCountsOnce) {
  WayMeter way;
  way.leaves(1, 0.5);
  EXPECT_DOUBLE_EQ(way.seconds(), 0.5);
  way.leaves(1.25, 0.5);
  EXPECT_DOUBLE_EQ(way.seconds(), 0.75);
  way.leaves(1.3, 0.1);
  EXPECT_DOUBLE_EQ(way.seconds(), 0.75);
  way.leaves(4, 0.5);
  EXPECT_DOUBLE_EQ(way.seconds(), 1.25);
}

TEST(CollabPolicy, ModesHaveNames) {
  for (int i = 0; i < 5; ++i) {
    const auto mode = static_cast<CollabMode>(i);
    EXPECT_EQ(collab_mode(name(mode)), mode);
  }
  EXPECT_EQ(collab_mode("Auto"), std::nullopt);
}

TEST(CollabPolicy, TheCostIsTheSumOfItsParts) {
  CollabPolicyState state;
  EXPECT_EQ(expected_finish_s(state, 1000), 0);
  observe_token(state, 0.5, 0.1, 0.2);
  EXPECT_NEAR(expected_finish_s(state, 1000), 0.5, 1e-12);
  state.drain_bytes_per_s.add(500);
  EXPECT_NEAR(expected_finish_s(state, 1000), 2.5, 1e-12);
}

TEST(CollabPolicy, StandaloneNeverAsks) {
  const auto decision = decide(options_of(CollabMode::Standalone), seen(0), {});
  EXPECT_FALSE(decision.may_ask || decision.probes);
  EXPECT_EQ(decision.theta1, 0.8);
  EXPECT_EQ(decision.theta2, 0);
}

TEST(CollabPolicy, CollabAsksByFixedThresholdsHoweverSlow) {
  for (const double round_trip_s : {0.0, 1.0, 100.0}) {
    const auto decision = decide(options_of(CollabMode::Collab), seen(round_trip_s), {});
    EXPECT_TRUE(decision.may_ask);
    EXPECT_EQ(decision.theta2, 0.9);
    EXPECT_EQ(decision.wait_s, 2);
  }
}

TEST(CollabPolicy, AutoAsksLessTheMoreItCosts) {
  const CollabPolicyOptions options = options_of(CollabMode::Auto);
  const auto theta_at = [&](double round_trip_s) {
    const auto decision = decide(options, seen(round_trip_s), {});
    EXPECT_TRUE(decision.may_ask);
    EXPECT_EQ(decision.theta1, 0.8);
    return decision.theta2;
  };
  // The budget is four steps of 0.1 s.
  EXPECT_NEAR(theta_at(0.19), 0.5 + 0.4 * 0.5, 1e-12);
  EXPECT_NEAR(theta_at(0.39), 0.5, 1e-12);
  EXPECT_NEAR(theta_at(1.5), 0.5, 1e-12);
  double before = 1;
  for (double s = 0; s < 1; s += 0.05) {
    const double theta = theta_at(s);
    EXPECT_LE(theta, before);
    before = theta;
  }
}

TEST(CollabPolicy, AThresholdBelowTheLeastStays) {
  CollabPolicyOptions options = options_of(CollabMode::Auto);
  options.theta2 = 0.3;
  EXPECT_EQ(decide(options, seen(1), {}).theta2, 0.3);
}

TEST(CollabPolicy, AutoGoesOnAloneWhereTheAnswerWouldComeTooLate) {
  const CollabPolicyOptions options = options_of(CollabMode::Auto);
  EXPECT_FALSE(decide(options, seen(3), {}).may_ask);
  EXPECT_TRUE(decide(options, seen(3), {.now_s = 1}).probes);
  const auto hurried = decide(options, seen(1), {.answer_deadline_s = 0.5});
  EXPECT_FALSE(hurried.may_ask);
  EXPECT_EQ(hurried.wait_s, 0.5);
}

TEST(CollabPolicy, ALostLinkIsProbedAndNotWaitedFor) {
  for (const CollabMode mode : {CollabMode::Collab, CollabMode::Auto, CollabMode::Naive}) {
    const CollabPolicyOptions options = options_of(mode);
    CollabPolicyState state = seen(0.01);
    observe_failure(state, options, 100);
    const auto at = [&](double now_s) { return decide(options, state, {.now_s = now_s}); };
    EXPECT_FALSE(at(100.4).may_ask || at(100.4).probes);
    EXPECT_TRUE(at(100.5).probes);
    EXPECT_FALSE(at(100.5).may_ask);
    observe_probe(state, options, 100.5);
    EXPECT_FALSE(at(100.9).probes);
    EXPECT_TRUE(at(101).probes);
    observe_token(state, 0.02, 0.01, 0);
    EXPECT_TRUE(at(101).may_ask);
  }
}

TEST(CollabPolicy, WithoutAChannelNothingIsSent) {
  const auto decision =
      decide(options_of(CollabMode::Collab), seen(0), {.now_s = 9, .is_connected = false});
  EXPECT_FALSE(decision.may_ask || decision.probes);
}

TEST(CollabPolicy, ABusyServerIsLeftAloneForAsLongAsItSays) {
  const CollabPolicyOptions options = options_of(CollabMode::Collab);
  CollabPolicyState state = seen(0.01);
  observe_failure(state, options, 100, 3);
  EXPECT_FALSE(decide(options, state, {.now_s = 102.9}).probes);
  EXPECT_TRUE(decide(options, state, {.now_s = 103}).probes);
}

TEST(CollabPolicy, AQueueIsLateThatLeavesAfterTheNextQuestion) {
  CollabPolicyState state;
  EXPECT_FALSE(is_queue_late(state, 1 << 30, 0));
  observe_asked(state, 10);
  observe_asked(state, 12);  // so the next one is expected at 14
  EXPECT_FALSE(is_queue_late(state, 1 << 30, 12)) << "nothing ever waited";
  state.drain_bytes_per_s.add(1000);
  EXPECT_FALSE(is_queue_late(state, 1999, 12));
  EXPECT_TRUE(is_queue_late(state, 2001, 12));
  EXPECT_TRUE(is_queue_late(state, 600, 13.5));
  EXPECT_FALSE(is_queue_late(state, 4, 20)) << "it leaves at once";
  EXPECT_TRUE(is_queue_late(state, 6, 20));
  observe_asked(state, 22);
  EXPECT_NEAR(state.asked_gap_s.value_or(0), 2 + 0.2 * (10 - 2), 1e-12);
}

}  // namespace
}  // namespace verge::serve
