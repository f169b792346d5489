#include <gtest/gtest.h>
#include <span_clock.hpp>

#include <verge/stages/fit/scheme_search/time_by_work.hpp>

#include "../tune/toy_network.hpp"

namespace verge::fit {
namespace {

// Four runs of each plan: of the first they last 2 ms, of the second 10.
test::SpanClock two_then_ten() {
  return test::SpanClock([](size_t run) { return run < 4 ? 2e-3 : 10e-3; });
}

TEST(TimeByWork, IsALineThroughTwoSteps) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseModel base = toy_base(folder);
  const auto plan = [&](const char* scheme) {
    return *compile_chosen(base, scheme, {.shape = {.batch = 8}}, 1);
  };
  const TrainingPlan head = plan("head"), full = plan("full"), bias = plan("bias");
  const auto line = TimeByWork::measure(base, head, full, pool, two_then_ten());
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_NEAR(line->least_ms(), 2, 1e-9);
  EXPECT_NEAR(line->ms(head), 2, 1e-9);
  EXPECT_NEAR(line->ms(full), 10, 1e-9);
  const double share =
      (bias.work.total() - head.work.total()) / (full.work.total() - head.work.total());
  EXPECT_NEAR(line->ms(bias), 2 + 8 * share, 1e-9);
}

}  // namespace
}  // namespace verge::fit
