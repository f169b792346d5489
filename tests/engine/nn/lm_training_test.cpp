#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/nn/lm_training.hpp>

#include "graph_runner.hpp"

namespace verge::nn {
namespace {

DecoderConfig tiny() {
  DecoderConfig config;
  config.architecture = "llama";
  config.d_model = 16;
  config.layers = 3;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = config.rope.dims = 4;
  config.ffn_dim = 24;
  config.vocab = 11;
  config.context = 8;
  config.attention_scale = 0.5;
  config.exit_layers = {1, 2};
  return config;
}

TEST(LmTraining, HasTheParametersOfALlamaFile) {
  int64_t count = 0;
  for (const LmParameter& parameter : lm_parameters(tiny())) count += parameter.shape.count();
  const int64_t layer = 16 + 16 * 16 + 2 * 8 * 16 + 16 * 16 + 16 + 3 * 24 * 16;
  EXPECT_EQ(count, 11 * 16 + 3 * layer + 2 * 16 + 16);
}

TEST(LmTraining, EveryParameterGetsAGradient) {
  Result<LmTraining> training = build_lm_training(tiny(), {.batch = 2, .tokens = 5});
  ASSERT_TRUE(training) << training.error().message;
  EXPECT_EQ(training->trainable.size(), lm_parameters(tiny()).size());
  const auto joint = graph::differentiate(training->graph, training->loss, training->trainable);
  ASSERT_TRUE(joint) << joint.error().message;
  for (graph::ValueId gradient : joint->gradients) EXPECT_NE(gradient, graph::kNone);
}

// With zero weights every token is as likely as any other, at each exit and at the end.
TEST(LmTraining, LossesOfAnUntrainedModelAreUniform) {
  const Result<LmTraining> training = build_lm_training(tiny(), {.batch = 2, .tokens = 5});
  ASSERT_TRUE(training);
  support::GraphRunner runner(training->graph, {});
  runner.run();
  for (const char* name : {"loss", "loss.1", "loss.2"}) {
    EXPECT_NEAR(runner.get(name)[0], std::log(11.0), 1e-5) << name;
  }
}

// Of the sum that is differentiated, each exit has its weight.
TEST(LmTraining, ExitsHaveTheirWeights) {
  for (const std::vector<double>& weights : {std::vector<double>{}, {0.1, 0.2}}) {
    const auto training =
        build_lm_training(tiny(), {.batch = 1, .tokens = 5, .exit_weights = weights});
    ASSERT_TRUE(training);
    support::GraphRunner runner(training->graph, {});
    runner.run();
    const double sum = weights.empty() ? 0.6 : 0.3;
    EXPECT_NEAR(runner.get(training->loss)[0], (1 + sum) * std::log(11.0), 1e-5);
  }
  const auto refused = build_lm_training(tiny(), {.batch = 1, .tokens = 5, .exit_weights = {0.1}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "1 weights for 2 exits; give one for each");
}

TEST(LmTraining, AFormAddsItsParameters) {
  const LmForm form{
      .has_output = true, .has_exit_outputs = true, .has_qkv_bias = true, .has_qk_norms = true};
  const auto training = build_lm_training(tiny(), {.batch = 2, .tokens = 5, .form = form});
  ASSERT_TRUE(training) << training.error().message;
  EXPECT_EQ(training->trainable.size(), lm_parameters(tiny()).size() + 3 + 3 * 5);
  const auto joint = graph::differentiate(training->graph, training->loss, training->trainable);
  ASSERT_TRUE(joint) << joint.error().message;
  for (graph::ValueId gradient : joint->gradients) EXPECT_NE(gradient, graph::kNone);
}

}  // namespace
}  // namespace verge::nn
