#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/build/train_image/judge.hpp>
#include <verge/stages/build/train_image/train_image.hpp>

#include "toy_images.hpp"

namespace verge::build {
namespace {

TEST(ImageJudge, JudgesAFileAsTrainingDid) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  TrainImageOptions options = toy_options();
  options.epochs = 2;
  options.augmentation.mirror = true;
  options.output = folder / "net.safetensors";
  const model::ImageData data = toy_images();
  const auto trained = train_image(data, options, pool, SystemClock{});
  ASSERT_TRUE(trained) << trained.error().message;
  const auto found = evaluate_image(options.output, data, pool);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->accuracy, trained->accuracy);
  EXPECT_EQ(found->images, data.test.count());
  int64_t right = 0, all = 0;
  for (size_t label = 0; label < found->confusion.size(); ++label) {
    right += found->confusion[label][label];
    for (int64_t count : found->confusion[label]) all += count;
  }
  EXPECT_EQ(all, found->images);
  EXPECT_DOUBLE_EQ(static_cast<double>(right) / static_cast<double>(all), found->accuracy);
}

// The same answers, two passes over each image less.
TEST(ImageJudge, FrozenNetworksHaveNoBatchNormAndNoReluOfTheirOwn) {
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
    for (float& x : tensor.span<float>()) x = 0.5f + 0.5f * static_cast<float>(rng.uniform());
    weights.add(parameter.name, std::move(tensor));
  }
  const auto count = [](const ImageJudge& judge, std::string_view op) {
    return std::ranges::count(judge.graph().nodes, op,
                              [](const graph::Node& node) { return node.op->name; });
  };
  auto frozen = ImageJudge::create(network, weights, states, pool, true);
  auto changing = ImageJudge::create(network, weights, states, pool);
  ASSERT_TRUE(frozen) << frozen.error().message;
  EXPECT_EQ(count(*frozen, "batch_norm"), 0);
  EXPECT_EQ(count(*frozen, "relu"), 0);
  EXPECT_GT(count(*changing, "batch_norm"), 0);
  EXPECT_EQ(frozen->judge(data.test), changing->judge(data.test));
}

TEST(ImageJudge, RefusesOtherImages) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  TrainImageOptions options = toy_options();
  options.epochs = 1;
  options.output = folder / "net.safetensors";
  ASSERT_TRUE(train_image(toy_images(), options, pool, SystemClock{}));
  model::ImageData other = toy_images();
  other.classes = 5;
  const auto found = evaluate_image(options.output, other, pool);
  EXPECT_EQ(found.error().code, Code::InvalidArgument);
  EXPECT_NE(found.error().message.find("8 x 8 in 4 classes"), std::string::npos);
}

}  // namespace
}  // namespace verge::build
