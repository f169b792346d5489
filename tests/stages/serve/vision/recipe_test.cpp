#include <gtest/gtest.h>

#include <verge/stages/serve/vision/recipe.hpp>

namespace verge::serve {
namespace {

struct FakeNetwork final : VisionNetwork {
  VisionInput input_;
  VisionSettings settings_;
  int rank = 2;
  bool bytes = false;

  const VisionInput& input() const override { return input_; }
  const VisionSettings& settings() const override { return settings_; }
  int output_rank() const override { return rank; }
  bool takes_bytes() const override { return bytes; }
  Result<std::vector<Tensor>> run(int64_t, const PictureShape&, std::span<const float>) override {
    return std::vector<Tensor>();
  }
  std::vector<std::string> reference_nodes() const override { return {}; }
};

TEST(VisionRecipe, AClassifierIsTakenForOneOfImageNet) {
  FakeNetwork network;
  const auto recipe = recipe_for(network, {});
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->task, Task::Classify);
  EXPECT_EQ(recipe->input.shape.height, 224);
  EXPECT_EQ(recipe->how.fit, Fit::Crop);
  EXPECT_EQ(recipe->how.kept, 0.875);
  EXPECT_FLOAT_EQ(recipe->how.mean[0], 0.485f);
  EXPECT_EQ(recipe->assumed.size(), 6u);  // task, size, fit, crop, channels, range
}

TEST(VisionRecipe, WhatIsSaidIsNotAssumed) {
  FakeNetwork network;
  network.input_.shape.height = network.input_.shape.width = 96;
  VisionSettings given;
  given.task = Task::Classify;
  given.fit = Fit::Stretch;
  given.is_bgr = true;
  given.mean = {0, 0, 0};
  const auto recipe = recipe_for(network, given);
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->input.shape.width, 96);
  EXPECT_EQ(recipe->how.deviation[1], 1);
  EXPECT_TRUE(recipe->assumed.empty()) << recipe->assumed.front();
}

TEST(VisionRecipe, ADetectorHasABoxOfLetters) {
  FakeNetwork network;
  network.rank = 3;
  network.settings_.confidence = 0.5;
  VisionSettings given;
  given.iou = 0.3;
  const auto recipe = recipe_for(network, given);
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->task, Task::Detect);
  EXPECT_EQ(recipe->how.fit, Fit::Letterbox);
  EXPECT_EQ(recipe->input.shape.width, 640);
  EXPECT_EQ(recipe->how.mean[2], 0);
  EXPECT_EQ(recipe->detection.confidence, 0.5);
  EXPECT_EQ(recipe->detection.iou, 0.3);
}

TEST(VisionRecipe, TextIsReadAtThePicturesOwnSize) {
  FakeNetwork network;
  network.rank = 4;
  const auto recipe = recipe_for(network, {});
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_TRUE(recipe->how.is_bgr);
  const auto expect_shape = [&](int64_t height, int64_t width, int64_t rows, int64_t columns) {
    const PictureShape shape = recipe->shape_for(height, width);
    EXPECT_EQ(shape.height, rows);
    EXPECT_EQ(shape.width, columns);
  };
  expect_shape(100, 200, 96, 192);
  expect_shape(10, 500, 32, 512);
  expect_shape(1920, 960, 960, 480);
  expect_shape(1, 100000, 32, 960);
}

TEST(VisionRecipe, BytesStayBytes) {
  FakeNetwork network;
  network.bytes = true;
  const auto recipe = recipe_for(network, {});
  ASSERT_TRUE(recipe);
  EXPECT_EQ(recipe->how.scale, 1);
  EXPECT_EQ(recipe->how.mean[0], 0);
}

TEST(VisionRecipe, ContradictionsAreNamed) {
  FakeNetwork network;
  network.input_.shape.height = network.input_.shape.width = 96;
  VisionSettings given;
  given.size = {64, 96};
  EXPECT_EQ(recipe_for(network, given).error().message,
            "--image-size 64x96, but the network takes 96x96");
  network.rank = 0;
  EXPECT_NE(recipe_for(network, {}).error().message.find("give --task"), std::string::npos);
}

}  // namespace
}  // namespace verge::serve
