#include <filesystem>

#include <onnx_writer.hpp>

#include "tuning_case.hpp"

namespace verge::cli {
namespace {

// A convolution and a layer of ten classes, for pictures of 8 x 8; `side` -1: of any.
class TrainingLevels : public TuningCase {
 protected:
  std::string network(int64_t side) const {
    const auto values = [](int64_t count) {
      std::vector<float> made;
      for (int64_t i = 0; i < count; ++i) {
        made.push_back(static_cast<float>(i * 37 % 19 - 9) / 18);
      }
      return made;
    };
    test::OnnxParts parts;
    parts.nodes = {
        test::onnx_node("Conv", {"x", "k", "kb"}, {"c"}), test::onnx_node("Relu", {"c"}, {"r"}),
        test::onnx_node("GlobalAveragePool", {"r"}, {"p"}),
        test::onnx_node("Flatten", {"p"}, {"f"}), test::onnx_node("Gemm", {"f", "w", "b"}, {"y"})};
    parts.constants = {test::onnx_tensor<float>("k", test::kOnnxFloat, {8, 1, 3, 3}, values(72)),
                       test::onnx_tensor<float>("kb", test::kOnnxFloat, {8}, values(8)),
                       test::onnx_tensor<float>("w", test::kOnnxFloat, {8, 10}, values(80)),
                       test::onnx_tensor<float>("b", test::kOnnxFloat, {10}, values(10))};
    parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, side, side})};
    parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, 10})};
    return folder_.add("net.onnx", test::onnx_file(parts));
  }
  std::vector<std::string> levels(const std::string& net, const std::string& shape) const {
    return {"compile", net,           "--train", "-t",      "1",   "-o",       plan_,
            "--int8",  "--calibrate", data_,     "--shape", shape, "--scheme", "head"};
  }
};

TEST_F(TrainingLevels, ShapeSaysWhatTheFileLeavesOpen) {
  for (const int64_t side : {-1, 8}) {
    const auto json = test::run_json(levels(network(side), "x=3x1x8x8"));
    EXPECT_TRUE(std::filesystem::exists(json["network"].get<std::string>())) << side;
    EXPECT_GT(json["memory"]["arena_bytes"], 0);
  }
  const test::Ran other = test::run_verge(levels(network(8), "other=3x1x8x8"));
  test::expect_refused(other, 2, "no input is named \"other\"");
}

}  // namespace
}  // namespace verge::cli
