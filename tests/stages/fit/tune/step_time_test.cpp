#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/stages/fit/tune/step_time.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

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
    const auto ms = step_ms(base, *plan, pool, SystemClock());
    ASSERT_TRUE(ms) << ms.error().message;
    EXPECT_GT(*ms, 0);
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
