#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/cli/training_shape.hpp>

namespace verge::cli {
namespace {

TEST(TrainingShape, OfANetworkHasAllInputs) {
  const test::TemporaryFolder folder;
  const std::string net = folder.add("net.onnx", test::onnx_file(test::small_onnx()));
  ShapeOptions options;
  options.shapes = {"x=6x2"};
  const auto shape = training_shape(net, {.batch = 0, .output = "y"}, options);
  ASSERT_TRUE(shape) << shape.error().message;
  EXPECT_EQ(shape->batch, 6);
  EXPECT_EQ(shape->output, "y");
  ASSERT_EQ(shape->inputs.size(), 1u);
  EXPECT_EQ(shape->inputs[0].shape, Shape({6, 2}));
  options.shapes = {"x=many"};
  EXPECT_EQ(training_shape(net, {}, options).error().code, Code::InvalidArgument);
}

TEST(TrainingShape, OfOtherModelsIsTheirBatch) {
  EXPECT_EQ(training_shape("a.gguf", {.batch = 0}, {})->batch, 1);
  EXPECT_EQ(training_shape("a.gguf", {.batch = 3, .tokens = 9}, {})->tokens, 9);
}

}  // namespace
}  // namespace verge::cli
