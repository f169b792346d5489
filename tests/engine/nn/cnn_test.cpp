#include <algorithm>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/nn/cnn.hpp>

#include "graph_runner.hpp"

namespace verge::nn {
namespace {

using support::GraphRunner;

CnnConfig small() {
  return {.channels = 2, .height = 6, .width = 6, .classes = 3, .stages = {{3}, {4}}};
}

std::vector<double> random_values(int64_t count, Rng& rng, double mean = 0) {
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = mean + 0.5 * rng.normal();
  return values;
}

void fill(GraphRunner& runner, Rng& rng) {
  for (const CnnParameter& p : cnn_parameters(small())) {
    std::vector<double> values = random_values(p.shape.count(), rng, p.mean);
    if (!p.is_trainable) std::ranges::fill(values, p.mean);
    runner.set(p.name, values);
  }
  runner.set("images", random_values(3 * 2 * 6 * 6, rng));
}

TEST(Cnn, GradientsOfTheWholeNetworkAgreeWithDifferences) {
  auto training = build_cnn_training(small(), 3, DType::F64);
  ASSERT_TRUE(training) << training.error().message;
  const auto joint = graph::differentiate(training->graph, training->loss, training->trainable);
  ASSERT_TRUE(joint) << joint.error().message;
  GraphRunner runner(joint->graph);
  Rng rng(5);
  fill(runner, rng);
  runner.set("labels", {2, 0, 1});
  runner.run();
  std::vector<std::vector<double>> gradients;
  for (const graph::ValueId id : joint->gradients) gradients.push_back(runner.get(id));
  constexpr double kStep = 1e-6;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::string& name = joint->graph.value(training->trainable[i]).name;
    const std::vector<double> values = runner.get(name);
    for (size_t k = 0; k < values.size(); k += 5) {
      const auto loss_at = [&](double offset) {
        std::vector<double> moved = values;
        moved[k] += offset;
        runner.set(name, moved);
        runner.run();
        return runner.get("loss")[0];
      };
      const double slope = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
      EXPECT_NEAR(gradients[i][k], slope, 1e-6) << name << " " << k;
    }
    runner.set(name, values);
  }
}

// With a momentum-free start the running statistics are mean 0 and variance 1: batch norm is then
// the affine map by its weight and bias, up to eps.
TEST(Cnn, InferenceUsesTheRunningStatistics) {
  const auto graph = build_cnn(small(), 3, DType::F64);
  ASSERT_TRUE(graph) << graph.error().message;
  GraphRunner runner(*graph);
  Rng rng(7);
  fill(runner, rng);
  runner.run();
  const std::vector<double> before = runner.get("logits");
  ASSERT_EQ(before.size(), 9u);
  runner.set("stage.1.0.norm.mean", {1, 1, 1, 1});
  runner.run();
  EXPECT_NE(runner.get("logits"), before);
  runner.set("stage.1.0.norm.weight", {0, 0, 0, 0});
  runner.set("stage.1.0.norm.bias", {0, 0, 0, 0});
  runner.set("head.bias", {1, 2, 3});
  runner.run();
  EXPECT_EQ(runner.get("logits"), (std::vector<double>{1, 2, 3, 1, 2, 3, 1, 2, 3}));
}

TEST(Cnn, RefusesSizesThatDoNotFit) {
  CnnConfig tiny = small();
  tiny.height = 1;
  EXPECT_EQ(build_cnn(tiny, 1).error().code, Code::InvalidArgument);
  EXPECT_EQ(build_cnn(small(), 0).error().code, Code::InvalidArgument);
  CnnConfig deep = small();
  deep.stages.assign(65, {4});  // 2 to the number of stages has no room in 64 bits
  EXPECT_EQ(build_cnn(deep, 1).error().code, Code::InvalidArgument);
}

TEST(Cnn, CountsOperations) {
  // 3x3 of 2 -> 3 on 6x6, 3x3 of 3 -> 4 on 3x3, 4 -> 3 once.
  EXPECT_EQ(cnn_flops(small()), 2.0 * (9 * 2 * 3 * 36 + 9 * 3 * 4 * 9 + 12));
}

}  // namespace
}  // namespace verge::nn
