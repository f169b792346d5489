#include <verge/stages/serve/collab/node_times.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

// Each look at it is a second later: a run takes one, whatever its size.
class SteppingClock : public Clock {
 public:
  double seconds() const override { return now_s_ += 1; }

 private:
  mutable double now_s_ = 0;
};

std::unique_ptr<model::LanguageModel> load_for_timing(ThreadPool& pool) {
  return load_part({}, pool, 256, kMostTimedRows);
}

TEST(NodeTimes, AreWhatTheClockSaysOverTheLayersWithoutAHead) {
  ThreadPool pool(1);
  const auto model = load_for_timing(pool);
  const auto node = measure_node(*model, SteppingClock(), {.context = 16, .repeats = 3});
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_NEAR(node->layer.base_s, 1 / 5.0, 1e-9) << "of six layers five end without a head";
  EXPECT_NEAR(node->layer.row_s, 0, 1e-9);
  EXPECT_EQ(node->head_s, 0);
}

TEST(NodeTimes, RealRunsTakeTime) {
  ThreadPool pool(1);
  const auto model = load_for_timing(pool);
  const auto node = measure_node(*model, SystemClock(), {.context = 16, .repeats = 3});
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_GT(node->layer.of(1), 0);
  EXPECT_GE(node->layer.of(8), node->layer.of(1));
}

}  // namespace
}  // namespace verge::serve
