#include <gtest/gtest.h>

#include <verge/stages/fit/scheme_search/time_by_work.hpp>

#include "../tune/toy_network.hpp"

namespace verge::fit {
namespace {

// Eight looks at each plan, whose runs last 2 ms of the first and 10 ms of the second.
class TwoThenTen : public Clock {
 public:
  double seconds() const override {
    if (looks_ % 2 == 1) now_ += (looks_ < 8 ? 2 : 10) * 1e-3;
    ++looks_;
    return now_;
  }

 private:
  mutable double now_ = 0;
  mutable size_t looks_ = 0;
};

TEST(TimeByWork, IsALineThroughTwoSteps) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseModel base = toy_base(folder);
  const auto plan = [&](const char* scheme) {
    return *compile_chosen(base, scheme, {.shape = {.batch = 8}}, 1);
  };
  const TrainingPlan head = plan("head"), full = plan("full"), bias = plan("bias");
  const auto line = TimeByWork::measure(base, head, full, pool, TwoThenTen());
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
