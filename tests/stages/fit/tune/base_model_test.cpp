#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <tiny_models.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

TEST(BaseModel, OfAClassifierHasItsWeightsAndALoss) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  EXPECT_EQ(base.kind, BaseKind::Classifier);
  EXPECT_NE(base.graph.find("logits"), graph::kNone);
  EXPECT_NE(base.graph.find("labels"), graph::kNone);
  EXPECT_EQ(base.weights.size(), nn::cnn_parameters(toy_config()).size());
  EXPECT_EQ(base.hash.size(), 16u);
  const auto other = open_base_model(write_toy_network(folder, 2), {.batch = 8});
  EXPECT_NE(other->hash, base.hash);
}

TEST(BaseModel, OfALanguageModelHasAllItsTensors) {
  const test::TemporaryFolder folder;
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"), DType::Q8_0);
  const auto base = open_base_model(path, {.batch = 2, .tokens = 16});
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_TRUE(base->is_language_model());
  EXPECT_TRUE(base->weights.contains("blk.0.attn_q.weight"));
}

TEST(BaseModel, RefusesWhatItCannotTrain) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const std::string& path, int64_t batch = 1) {
    const auto base = open_base_model(path, {.batch = batch});
    return base ? std::string("taken") : base.error().message;
  };
  EXPECT_NE(refusal(folder / "none.safetensors").find("none.safetensors"), std::string::npos);
  folder.add("flat.onnx", test::onnx_file(test::small_onnx()));
  EXPECT_NE(refusal(folder / "flat.onnx").find("networks of one input"), std::string::npos);
  EXPECT_NE(refusal(write_toy_network(folder), 0).find("give 1 or more"), std::string::npos);
  const auto squared = open_base_model(write_toy_network(folder), {.squared_error = true});
  EXPECT_EQ(squared.error().code, Code::InvalidArgument);
}

// A classifier of images of any size, as an exporter leaves it.
std::string open_classifier(const test::TemporaryFolder& folder) {
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "k"}, {"c"}),
                 test::onnx_node("GlobalAveragePool", {"c"}, {"p"}),
                 test::onnx_node("Flatten", {"p"}, {"f"}),
                 test::onnx_node("Gemm", {"f", "w"}, {"y"})};
  parts.constants = {test::onnx_tensor<float>("k", test::kOnnxFloat, {2, 1, 1, 1}, {1, -1}),
                     test::onnx_tensor<float>("w", test::kOnnxFloat, {2, 3}, {1, 2, 3, 4, 5, 6})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, -1, -1})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, 3})};
  return folder.add("open.onnx", test::onnx_file(parts));
}

TEST(BaseModel, ExtentsThatAnOnnxFileLeavesOpenAreGiven) {
  const test::TemporaryFolder folder;
  const std::string path = open_classifier(folder);
  const auto given = open_base_model(path, {.batch = 2, .image = {1, 6, 5}, .image_name = "x"});
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->network.config.height, 6);
  EXPECT_EQ(given->network.config.width, 5);
  EXPECT_EQ(given->graph.bound_shape(given->graph.value(given->graph.find("logits")).type),
            Shape({2, 3}));
  const auto refusal = [&](const std::string& file, const BaseShape& shape) {
    const auto base = open_base_model(file, shape);
    return base ? std::string("taken") : base.error().message;
  };
  EXPECT_NE(refusal(path, {.batch = 2}).find("extent 2 of x is open; give --shape x=2x3x224x224"),
            std::string::npos);
  EXPECT_NE(refusal(path, {.image = {1, 6, 5}, .image_name = "z"}).find("no input is named \"z\""),
            std::string::npos);
  EXPECT_NE(refusal(path, {.image = {3, 6, 5}}).find("not [1, 3, 6, 5]"), std::string::npos);
  EXPECT_NE(refusal(write_toy_network(folder), {.image = {1, 8, 8}}).find("for ONNX networks"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::fit
