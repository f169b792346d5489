#include <gtest/gtest.h>
#include <temporary_folder.hpp>
#include <vision_networks.hpp>

#include <verge/stages/serve/vision/onnx_vision.hpp>

namespace verge::serve {
namespace {

class OnnxVisionFiles : public testing::Test {
 protected:
  Result<std::unique_ptr<VisionNetwork>> open(const std::string& file) {
    return open_onnx_vision(folder_.add("net.onnx", file), pool_, {});
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
};

TEST_F(OnnxVisionFiles, TheInputIsReadOffTheFile) {
  const auto open_extents = open(test::onnx_file(test::colour_classifier()));
  ASSERT_TRUE(open_extents) << open_extents.error().message;
  EXPECT_EQ((*open_extents)->input().batch, 0);
  EXPECT_EQ((*open_extents)->input().shape.height, 0);
  EXPECT_EQ((*open_extents)->input().shape.channels, 3);
  EXPECT_EQ((*open_extents)->output_rank(), 2);
  const auto fixed = open(test::onnx_file(test::colour_classifier(2, 16)));
  ASSERT_TRUE(fixed);
  EXPECT_EQ((*fixed)->input().batch, 2);
  EXPECT_EQ((*fixed)->input().shape.width, 16);
  test::OnnxParts last = test::colour_classifier();
  last.inputs = {test::onnx_value("x", test::kOnnxFloat, {1, 20, 30, 3})};
  const auto channels_last = open(test::onnx_file(last));
  ASSERT_TRUE(channels_last);
  EXPECT_TRUE((*channels_last)->input().shape.is_channels_last);
  EXPECT_EQ((*channels_last)->input().shape.height, 20);
  EXPECT_EQ((*channels_last)->input().shape.width, 30);
}

TEST_F(OnnxVisionFiles, BatchesAndSizesAreCompiledAsTheyCome) {
  const auto network = open(test::onnx_file(test::colour_classifier()));
  ASSERT_TRUE(network);
  for (const int64_t side : {4, 6, 8, 10, 12, 4}) {
    std::vector<float> values(static_cast<size_t>(2 * 3 * side * side));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i / static_cast<size_t>(side * side));
    }
    const auto outputs = (*network)->run(2, {3, side, side, false}, values);
    ASSERT_TRUE(outputs) << outputs.error().message;
    ASSERT_EQ((*outputs)[0].shape(), (Shape{2, 3}));
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_NEAR((*outputs)[0].span<float>()[i], static_cast<float>(i), 1e-5);
    }
  }
}

TEST_F(OnnxVisionFiles, NetworksOfOtherThingsAreRefused) {
  EXPECT_NE(open(test::onnx_file(test::small_onnx())).error().message.find("takes no picture"),
            std::string::npos);
  test::OnnxParts two = test::colour_classifier();
  two.inputs.push_back(test::onnx_value("other", test::kOnnxFloat, {1}));
  EXPECT_NE(open(test::onnx_file(two)).error().message.find("2 inputs"), std::string::npos);
}

TEST_F(OnnxVisionFiles, HugePicturesAreRefused) {
  test::OnnxParts parts = test::colour_classifier();
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{16385, 8}, {8, 16385}}) {
    parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {1, 3, height, width})};
    EXPECT_EQ(open(test::onnx_file(parts)).error().code, Code::Unsupported);
  }
}

TEST_F(OnnxVisionFiles, WithoutAnOutputThereIsNoAnswer) {
  test::OnnxParts parts = test::colour_classifier();
  parts.outputs.clear();
  const auto network = open(test::onnx_file(parts));
  ASSERT_TRUE(network) << network.error().message;
  const auto outputs = (*network)->run(1, {3, 2, 2, false}, std::vector<float>(12));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, Code::Unsupported) << outputs.error().message;
}

// [boxes, 3]: three boxes of three pictures look like one row each.
TEST_F(OnnxVisionFiles, RowsThatAreBoxesAreNoneOfPictures) {
  test::OnnxParts parts = test::colour_classifier(1, 2);
  parts.nodes[1] = test::onnx_node("Reshape", {"p", "as_scores"}, {"s"});
  parts.nodes.push_back(test::onnx_node("NonMaxSuppression", {"boxes", "s", "most"}, {"y"}));
  parts.constants = {
      test::onnx_tensor<int64_t>("as_scores", test::kOnnxInt64, {3}, {1, 1, 3}),
      test::onnx_tensor<int64_t>("most", test::kOnnxInt64, {1}, {1}),
      test::onnx_tensor<float>("boxes", test::kOnnxFloat, {1, 3, 4}, std::vector<float>(12, 1))};
  parts.outputs = {test::onnx_value("y", test::kOnnxInt64, {-1, 3})};
  const auto network = open(test::onnx_file(parts));
  ASSERT_TRUE(network) << network.error().message;
  const auto outputs = (*network)->run(1, {3, 2, 2, false}, std::vector<float>(12, 1));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, Code::Unsupported);
  EXPECT_NE(outputs.error().message.find("are boxes"), std::string::npos)
      << outputs.error().message;
}

TEST_F(OnnxVisionFiles, WhatTheExporterSaysIsKept) {
  const auto network = open(test::onnx_with_metadata(
      test::colour_classifier(), {{"task", "classify"}, {"names", "{0: 'r', 1: 'g', 2: 'b'}"}}));
  ASSERT_TRUE(network);
  EXPECT_EQ((*network)->settings().labels, (std::vector<std::string>{"r", "g", "b"}));
}

}  // namespace
}  // namespace verge::serve
