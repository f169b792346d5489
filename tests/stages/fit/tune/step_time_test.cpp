#include <array>

#include <gtest/gtest.h>
#include <span_clock.hpp>

#include <verge/stages/fit/tune/step_time.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

// Runs last 3, 2 and 4 s, in turn.
test::SpanClock given_spans() {
  return test::SpanClock([](size_t run) { return std::array{3.0, 2.0, 4.0}[run % 3]; });
}

TEST(StepTime, IsTheLeastOfThreeAfterOneToWarmUp) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseModel base = toy_base(folder);
  const auto plan = compile_chosen(base, "head", {.shape = {.batch = 8}}, 1);
  ASSERT_TRUE(plan);
  const auto time = time_step(base, *plan, pool, given_spans());
  ASSERT_TRUE(time) << time.error().message;
  EXPECT_EQ(time->ms, 2000);
  int timed = 0;
  for (const runtime::OperatorTime& entry : time->profile) timed += entry.nodes;
  EXPECT_EQ(timed, std::ssize(plan->step.graph.nodes));
  EXPECT_EQ(time->profiled_ms, 3000);
}

// Three runs of a pass, three of an update, then one of each.
TEST(StepTime, OfSeveralPassesOnlyOneIsRun) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseModel base = toy_base(folder);
  constexpr int64_t kPasses = 1'000'000'000;
  const auto plan = compile_chosen(base, "head", {.shape = {.batch = 8}, .accumulate = kPasses}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto time = time_step(base, *plan, pool, given_spans());
  ASSERT_TRUE(time) << time.error().message;
  EXPECT_EQ(time->ms, kPasses * 2e3 + 2e3);
  EXPECT_EQ(time->profiled_ms, kPasses * 3e3 + 2e3);
  int timed = 0;
  double of_nodes = 0;
  for (const runtime::OperatorTime& entry : time->profile) {
    timed += entry.nodes;
    of_nodes += entry.seconds;
  }
  EXPECT_EQ(timed, std::ssize(plan->step.graph.nodes) + std::ssize(plan->update->graph.nodes));
  EXPECT_GT(of_nodes, 1);  // of all passes: a node takes more than a nanosecond
}

TEST(StepTime, WhatIsNoNodeIsOverhead) {
  StepTime time{.ms = 9,
                .profile = {{.op = "linear", .seconds = 6e-3}, {.op = "add", .seconds = 3e-3}}};
  EXPECT_EQ(time.overhead(), 0);
  time.profiled_ms = 10;
  EXPECT_NEAR(time.overhead(), 0.1, 1e-12);
}

TEST(StepTime, RunsTheStepAndLeavesTheModelAsItIs) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseModel base = toy_base(folder);
  const auto values = [&base] {
    std::map<std::string, std::vector<float>> all;
    for (const auto& [name, weight] : base.weights) all[name] = base.values(name);
    return all;
  };
  const auto before = values();
  for (const char* scheme : {"full", "lora:2"}) {
    const auto plan = compile_chosen(base, scheme, {.shape = {.batch = 8}}, 1);
    ASSERT_TRUE(plan);
    const auto time = time_step(base, *plan, pool, SystemClock());
    ASSERT_TRUE(time) << time.error().message;
    EXPECT_GT(time->ms, 0);
  }
  EXPECT_EQ(values(), before);
}

TEST(StepTime, FullWorkIsThatOfEverything) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options;
  options.memory_bytes = 1;  // of no meaning here
  const auto full = full_work(base, options, 1);
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->total(), compile_chosen(base, "full", {}, 1)->work.total());
}

}  // namespace
}  // namespace verge::fit
