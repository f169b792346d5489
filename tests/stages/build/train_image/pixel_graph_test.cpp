#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/stages/build/train_image/judge.hpp>
#include <verge/stages/build/train_image/pixel_graph.hpp>

#include "toy_images.hpp"

namespace verge::build {
namespace {

TEST(PixelGraph, AnswersForBytesAsTheJudgeDoes) {
  ThreadPool pool(1);
  const model::ImageData data = toy_images();
  model::ImageNetwork network{{}, model::measure(data.training.pixels), false};
  network.config.height = data.test.height;
  network.config.width = data.test.width;
  network.config.classes = data.classes;
  network.config.stages = toy_options().stages;
  runtime::WeightStore weights;
  runtime::StateStore states;
  Rng rng(1);
  for (const nn::CnnParameter& parameter : nn::cnn_parameters(network.config)) {
    Tensor tensor(DType::F32, parameter.shape);
    for (float& x : tensor.span<float>()) x = 0.1f + static_cast<float>(rng.uniform());
    weights.add(parameter.name, std::move(tensor));
  }
  auto judge = ImageJudge::create(network, weights, states, pool);
  ASSERT_TRUE(judge) << judge.error().message;
  const std::vector<int32_t> answers = judge->judge(data.test);

  auto graph = pixel_graph(network);
  ASSERT_TRUE(graph) << graph.error().message;
  for (graph::Value& value : graph->values)
    value.is_trainable = value.kind == graph::ValueKind::Param;
  auto plan = runtime::Plan::compile(std::move(*graph), weights, states, pool);
  ASSERT_TRUE(plan) << plan.error().message;
  for (int64_t i = 0; i < data.test.count(); ++i) {
    std::ranges::copy(data.test.image(i), plan->input("pixels").as<float>());
    plan->run({});
    const auto* logits = plan->output("logits").as<float>();
    EXPECT_EQ(std::max_element(logits, logits + data.classes) - logits,
              answers[static_cast<size_t>(i)])
        << "image " << i;
  }
}

}  // namespace
}  // namespace verge::build
