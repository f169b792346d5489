#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/nn/exit_training.hpp>

#include "graph_runner.hpp"

namespace verge::nn {
namespace {

DecoderConfig small_heads() {
  DecoderConfig config;
  config.d_model = 6;
  config.layers = 4;
  config.vocab = 5;
  config.exit_layers = {1, 3};
  return config;
}

std::vector<double> some_values(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> values(count);
  for (double& value : values) value = rng.normal();
  return values;
}

const std::vector<double> kTeacher = {0.1, 0.2, 0.3, 0.4, 0, 0.2, 0.2, 0.2,
                                      0.2, 0.2, 1,   0,   0, 0,   0};

void set_inputs(support::GraphRunner& runner, const ExitTrainingShape& shape) {
  if (!shape.has_logits) runner.set("targets", {2, 0, 4});
  if (shape.distil > 0) runner.set("teacher", kTeacher);
  if (!shape.is_untied) runner.set("output.weight", some_values(30, 3));
  for (const int exit : {1, 3}) {
    const auto seed = static_cast<uint64_t>(exit);
    runner.set(fmt::format("states.{}", exit), some_values(18, seed));
    runner.set(fmt::format("exit.{}.norm.weight", exit), some_values(6, 10 + seed));
    if (shape.is_untied) {
      runner.set(fmt::format("exit.{}.output.weight", exit), some_values(30, 20 + seed));
    }
  }
}

class ExitTraining : public testing::TestWithParam<bool> {};

// Of every parameter, the gradient is the slope of the loss.
TEST_P(ExitTraining, GradientsAreSlopes) {
  const ExitTrainingShape shape{.rows = 3, .is_untied = GetParam(), .distil = 0.7};
  const auto heads = build_exit_training(small_heads(), shape);
  ASSERT_TRUE(heads.ok()) << heads.error().message;
  EXPECT_EQ(heads->trainable.size(), GetParam() ? 4u : 2u);
  const auto joint = graph::differentiate(heads->graph, heads->loss, heads->trainable);
  ASSERT_TRUE(joint.ok()) << joint.error().message;
  support::GraphRunner runner(joint->graph);
  set_inputs(runner, shape);
  runner.run();
  std::vector<std::vector<double>> gradients;
  for (const graph::ValueId gradient : joint->gradients) gradients.push_back(runner.get(gradient));
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::string& name = heads->graph.value(heads->trainable[i]).name;
    const std::vector<double> values = runner.get(name);
    for (size_t k = 0; k < values.size(); ++k) {
      const auto loss_at = [&](double step) {
        std::vector<double> moved = values;
        moved[k] += step;
        runner.set(name, moved);
        runner.run();
        return runner.get("loss")[0];
      };
      const double step = 1e-2;
      EXPECT_NEAR(gradients[i][k], (loss_at(step) - loss_at(-step)) / (2 * step), 2e-3)
          << name << " " << k;
    }
    runner.set(name, values);
  }
}

// The losses by hand from the logits of the same graph.
TEST_P(ExitTraining, LossesAreOfTheLogits) {
  ExitTrainingShape shape{.rows = 3, .is_untied = GetParam(), .distil = 0.7};
  const auto heads = build_exit_training(small_heads(), shape);
  ASSERT_TRUE(heads.ok());
  support::GraphRunner runner(heads->graph);
  set_inputs(runner, shape);
  runner.run();
  shape = {.rows = 3, .is_untied = GetParam(), .has_logits = true};
  const auto plain = build_exit_training(small_heads(), shape);
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  support::GraphRunner logits(plain->graph);
  set_inputs(logits, shape);
  logits.run();
  const std::vector<size_t> targets = {2, 0, 4};
  double total = 0;
  for (const int exit : {1, 3}) {
    const std::vector<double> z = logits.get(fmt::format("logits.{}", exit));
    double loss = 0, distance = 0;
    for (size_t row = 0; row < 3; ++row) {
      double sum = 0;
      for (size_t i = 0; i < 5; ++i) sum += std::exp(z[row * 5 + i]);
      loss -= (z[row * 5 + targets[row]] - std::log(sum)) / 3;
      for (size_t i = 0; i < 5; ++i) {
        distance -= kTeacher[row * 5 + i] * (z[row * 5 + i] - std::log(sum)) / 3;
      }
    }
    EXPECT_NEAR(runner.get(fmt::format("loss.{}", exit))[0], loss, 1e-5);
    total += loss + 0.7 * distance;
  }
  EXPECT_NEAR(runner.get("loss")[0], total, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Heads, ExitTraining, testing::Bool(),
                         [](const auto& info) { return info.param ? "Untied" : "Tied"; });

}  // namespace
}  // namespace verge::nn
