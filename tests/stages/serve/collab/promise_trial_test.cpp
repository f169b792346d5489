#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/promise_trial.hpp>

namespace verge::serve {
namespace {

// Exits that agree with the chance that they are confident with.
std::vector<ExitRecord> calibrated(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<ExitRecord> records;
  for (size_t i = 0; i < count; ++i) {
    ExitRecord record;
    record.confidence1 = 1 - rng.uniform() * rng.uniform();
    record.confidence2 = 1 - rng.uniform() * rng.uniform();
    record.agrees1 = rng.uniform() < record.confidence1;
    record.agrees2 = rng.uniform() < record.confidence2;
    records.push_back(record);
  }
  return records;
}

TEST(PromiseTrial, IsKeptOnTheOtherHalf) {
  const auto records = calibrated(8000, 3);
  const auto trial = try_promise(records, {.agreement = 0.9}, {.splits = 40, .block = 1});
  ASSERT_TRUE(trial) << trial.error().message;
  EXPECT_EQ(trial->splits, 40);
  EXPECT_GE(trial->kept, 36);
  EXPECT_LT(trial->cloud, 1);
  EXPECT_LE(trial->disagreement, 0.1);
  EXPECT_GE(trial->worst, trial->disagreement);
}

// Half of the blocks always agree and half never: what was fitted on one half says nothing of the
// other, where blocks are left whole. Strict thresholds keep any promise.
TEST(PromiseTrial, BlocksStayTogether) {
  std::vector<ExitRecord> records;
  for (int i = 0; i < 2 * 200; ++i) {
    const bool agrees = i < 200;
    records.push_back(
        {.confidence1 = 0.9, .confidence2 = 0.9, .agrees1 = agrees, .agrees2 = agrees});
  }
  const auto trial = try_promise(records, {.agreement = 0.9}, {.splits = 30, .block = 200});
  ASSERT_TRUE(trial) << trial.error().message;
  EXPECT_GT(trial->kept, 0);   // fitted on those that differ: nothing leaves early
  EXPECT_LT(trial->kept, 30);  // fitted on those that agree: all of the others break it
  EXPECT_EQ(trial->worst, 1);
}

TEST(PromiseTrial, TooLittleIsRefused) {
  const auto records = calibrated(16, 1);
  EXPECT_EQ(try_promise(records, {}, {.block = 16}).error().code, Code::InvalidArgument);
  EXPECT_EQ(try_promise(records, {}, {.splits = 0, .block = 1}).error().code,
            Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::serve
