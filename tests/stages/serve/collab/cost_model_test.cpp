#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/cost_model.hpp>

namespace verge::serve {
namespace {

constexpr NodeCost kDevice = {.layer = {.base_s = 0.004, .row_s = 0.001}, .head_s = 0.003};
constexpr NodeCost kServer = {.layer = {.base_s = 0.0008, .row_s = 0.0002}, .head_s = 0.0005};

SplitCase case_of(double exit1, double exit2, double bytes = 1000) {
  return {.layers = 16,
          .exit1 = 4,
          .exit2 = 8,
          .bytes_per_state = bytes,
          .rates = {.exit1 = exit1, .exit2 = exit2, .cloud = 1 - exit1 - exit2}};
}

TEST(CostModel, AllAtTheFirstExitIsItsLayersAlone) {
  const PredictedCost cost = predict_cost(case_of(1, 0), kDevice, kServer, {1e6, 0.1});
  EXPECT_NEAR(cost.token_s, 4 * 0.005 + 0.003, 1e-12);
  EXPECT_EQ(cost.server_load_s, 0);
  EXPECT_EQ(cost.server_layer_tokens, 0);
}

TEST(CostModel, AllAtTheServerWaitsForEachToken) {
  const PredictedCost cost = predict_cost(case_of(0, 0), kDevice, kServer, {1e5, 0.1});
  const double edge_s = 8 * 0.005 + 2 * 0.003;
  EXPECT_NEAR(cost.edge_s, edge_s, 1e-12);
  EXPECT_NEAR(cost.exposed_s, 0.01 + 0.1, 1e-12);
  EXPECT_NEAR(cost.server_s, 12 * 0.001 + 0.0005, 1e-12);
  EXPECT_EQ(cost.server_layer_tokens, 12);
  EXPECT_NEAR(predict_cloud_cost(16, kServer, {1e5, 0.1}).token_s, 16 * 0.001 + 0.0005 + 0.1,
              1e-12);
}

// The same answer, token by token: its clock, a link that sends states as they come, and a server.
double simulated_token_s(const SplitCase& split, const LinkCost& link, uint64_t seed) {
  Rng rng(seed);
  const int tokens = 20000;
  double now_s = 0, link_free_s = 0;
  int pending = 0, unseen = 0;
  for (int i = 0; i < tokens; ++i) {
    now_s += static_cast<double>(split.exit1) * kDevice.layer.of(1);
    link_free_s = std::max(link_free_s, now_s) + split.bytes_per_state / link.bytes_per_s;
    now_s += kDevice.head_s;
    ++pending, ++unseen;
    const double draw = rng.uniform();
    if (draw < split.rates.exit1) continue;
    now_s +=
        static_cast<double>(split.exit2 - split.exit1) * kDevice.layer.of(pending) + kDevice.head_s;
    pending = 0;
    if (draw < split.rates.exit1 + split.rates.exit2) continue;
    now_s = std::max(now_s, link_free_s) + link.round_trip_s +
            static_cast<double>(split.layers - split.exit1) * kServer.layer.of(unseen) +
            kServer.head_s;
    unseen = 0;
  }
  return now_s / tokens;
}

TEST(CostModel, PredictsWhatATokenByTokenSimulationTakes) {
  const LinkCost links[] = {{5e6, 0.02}, {2e5, 0.1}, {3e4, 0.1}};
  const double shares[][2] = {{0.5, 0.3}, {0.8, 0.1}, {0.2, 0.2}, {0.0, 0.9}};
  for (const LinkCost& link : links) {
    for (const auto& share : shares) {
      for (const double bytes : {500.0, 4000.0}) {
        const SplitCase split = case_of(share[0], share[1], bytes);
        const double simulated = simulated_token_s(split, link, 3);
        const PredictedCost cost = predict_cost(split, kDevice, kServer, link);
        EXPECT_NEAR(cost.token_s / simulated, 1, 0.15)
            << link.bytes_per_s << " bytes/s, shares " << share[0] << ", " << share[1] << ", "
            << bytes << " bytes";
      }
    }
  }
}

TEST(CostModel, ThePlannerTakesTheFastestThatTheServerBears) {
  SplitChoice fast{.name = "fast", .split = case_of(0.2, 0.2)}, light = fast, slow = fast;
  light.split.rates = {.exit1 = 0.6, .exit2 = 0.3, .cloud = 0.1};
  slow.split.rates = {.exit1 = 0.1, .exit2 = 0.8, .cloud = 0.1};
  const LinkCost near{1e9, 0}, far{1e9, 1};
  const NodeCost slow_device{.layer = {.base_s = 1, .row_s = 0}, .head_s = 0};
  const SplitChoice choices[] = {slow, fast, light};
  const auto chosen = [&](const LinkCost& link, double most_load_s) {
    const auto plan = plan_split(choices, kDevice, kServer, link, most_load_s);
    EXPECT_TRUE(plan.ok());
    return plan->choice;
  };
  EXPECT_EQ(chosen(far, 0), 2u);
  EXPECT_EQ(chosen(near, 0), 2u);
  EXPECT_EQ(plan_split({choices, 2}, kDevice, kServer, far)->choice, 0u);
  EXPECT_EQ(plan_split({choices, 2}, slow_device, kServer, near)->choice, 1u);
  const auto none = plan_split(choices, kDevice, kServer, near, 1e-9);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::Unsupported);
  EXPECT_EQ(plan_split({}, kDevice, kServer, near).error().code, Code::InvalidArgument);
}

TEST(CostModel, ALineThroughMeasuredRunsIsFound) {
  std::vector<MeasuredRun> runs;
  for (const double rows : {1.0, 2.0, 8.0, 32.0}) runs.push_back({rows, 0.25 + 0.5 * rows});
  const auto cost = fit_run_cost(runs);
  ASSERT_TRUE(cost.ok());
  EXPECT_NEAR(cost->base_s, 0.25, 1e-12);
  EXPECT_NEAR(cost->row_s, 0.5, 1e-12);
  runs.resize(1);
  EXPECT_EQ(fit_run_cost(runs).error().code, Code::InvalidArgument);
  EXPECT_EQ(fit_run_cost({}).error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::serve
