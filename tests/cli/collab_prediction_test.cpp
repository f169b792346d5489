#include <gtest/gtest.h>

#include <verge/cli/collab_prediction.hpp>

namespace verge::cli {
namespace {

const serve::NodeCost kTokenCost{.layer = {.base_s = 0.01, .row_s = 0.001}, .head_s = 0.02};

TEST(CollabPrediction, IsTheCostModelsWithBothSidesSlowed) {
  CollabRunFacts run{.layers = 12, .exit1 = 3, .exit2 = 6, .answers = 5};
  run.metrics.tokens = {50, 20, 25, 5};
  run.metrics.bytes_up = 51200;
  run.prompt_tokens = 40;
  run.edge_slow = 4;
  run.server_slow = 2;
  const net::LinkTrace link{
      .name = "two", .steps = {{0, 8e6, 0.01}, {1, 16e6, 0.03}}, .period_s = 4};
  const CollabPrediction found = predict_run(run, kTokenCost, link);
  const serve::PredictedCost expected = serve::predict_cost(
      {12, 3, 6, 512, 0, {0.5, 0.25, 0.25, 0}}, {{0.04, 0.004}, 0.08}, {{0.02, 0.002}, 0.04},
      {.bytes_per_s = (1 * 1e6 + 3 * 2e6) / 4, .round_trip_s = 2 * (0.01 + 3 * 0.03) / 4});
  EXPECT_DOUBLE_EQ(found.cost.token_s, expected.token_s);
  EXPECT_DOUBLE_EQ(found.cost.exposed_s, expected.exposed_s);
  EXPECT_DOUBLE_EQ(found.server_engine_s,
                   100 * expected.server_load_s + 5 * (9 * (0.02 + 40 * 0.002) + 0.04));
}

TEST(CollabPrediction, WithoutALinkNothingIsExposed) {
  CollabRunFacts run{.layers = 6, .exit1 = 2, .exit2 = 4, .answers = 1};
  run.metrics.tokens = {1, 0, 1, 0};
  EXPECT_EQ(predict_run(run, kTokenCost, std::nullopt).cost.exposed_s, 0);
  EXPECT_DOUBLE_EQ(predict_run(run, kTokenCost, net::constant_link(1e12, 0.5)).cost.exposed_s, 0.5);
}

}  // namespace
}  // namespace verge::cli
