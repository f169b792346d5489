// What a training plan says it takes is by what the process grows that runs it, within 2 %.

#include <algorithm>
#include <cstdlib>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <sanitized.hpp>
#include <sys/prctl.h>

#include <verge/core/machine.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

// Beside what it takes, the code that is read meanwhile is little.
struct WideCase {
  nn::CnnConfig network;
  int64_t batch;
  int64_t passes = 1;
};
const WideCase kWideImages = {
    {.channels = 1, .height = 64, .width = 64, .classes = 4, .stages = {{32, 32}, {64}}}, 128};
const WideCase kWidePasses = {kWideImages.network, 128, 4};
// Most of it are copies of frozen weights.
const WideCase kWideWeights = {
    {.channels = 1, .height = 16, .width = 16, .classes = 4, .stages = {{320, 320, 320}}}, 2};

// By how many thousandths measured and planned memory differ.
int difference_per_mille(const WideCase& wide, const char* scheme) {
  ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);  // a huge page for a small buffer is the kernel's choice
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto base =
      open_base_model(write_toy_network(folder, 1, wide.network), {.batch = wide.batch});
  if (!base) return 101;
  const auto data =
      open_task_data(*base, {.batch = wide.batch}, {.paths = {write_toy_images(folder)}});
  const auto plan = compile_chosen(
      *base, scheme, {.shape = {.batch = wide.batch}, .accumulate = wide.passes}, pool.size());
  if (!data || !plan) return 102;
  const int64_t before = resident_bytes();
  const auto run = TuningRun::create(*base, *plan, **data, {.steps = 2}, false, 1, pool);
  if (!run) return 103;
  for (int64_t i = 0; i < 2 * wide.passes; ++i) {
    (*run)->fill(i);
    (*run)->trainer().step();
  }
  const auto measured = static_cast<double>(peak_rss_bytes() - before);
  const auto planned = static_cast<double>(plan->memory.total());
  return static_cast<int>(std::min(100.0, 1000 * std::abs(measured / planned - 1)));
}

TEST(PlannedTraining, IsTheMeasuredPeakWithinTwoPerCent) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer has memory of its own";
  EXPECT_LE(test::in_child([] { return difference_per_mille(kWideImages, "full"); }), 20);
  EXPECT_LE(test::in_child([] { return difference_per_mille(kWideImages, "bias"); }), 20);
  EXPECT_LE(test::in_child([] { return difference_per_mille(kWidePasses, "full"); }), 20);
  EXPECT_LE(test::in_child([] { return difference_per_mille(kWideWeights, "bias"); }), 20);
}

}  // namespace
}  // namespace verge::fit
