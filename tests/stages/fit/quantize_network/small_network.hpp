#pragma once
// A small convolutional network: a convolution with a batch norm and ReLU, a residual, a pool, a
// product.

#include <onnx_writer.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

namespace verge::test {

inline OnnxMessage random_tensor(std::string_view name, const std::vector<int64_t>& dims,
                                 double low, double high) {
  static Rng rng(11);
  int64_t count = 1;
  for (const int64_t extent : dims) count *= extent;
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(low + (high - low) * rng.uniform()));
  }
  return onnx_tensor<float>(name, kOnnxFloat, dims, values);
}

inline OnnxMessage same_padding() {
  OnnxMessage attribute = OnnxMessage().text(1, "pads").integer(20, 7);
  for (int i = 0; i < 4; ++i) attribute.integer(8, 1);
  return attribute;
}

inline OnnxParts small_network() {
  OnnxParts parts;
  parts.nodes = {
      onnx_node("Conv", {"x", "w1", "b1"}, {"c1"}, {same_padding()}),
      onnx_node("BatchNormalization", {"c1", "g", "o", "m", "v"}, {"n1"}),
      onnx_node("Relu", {"n1"}, {"r1"}),
      onnx_node("Conv", {"r1", "w2"}, {"c2"}, {same_padding()}),
      onnx_node("Add", {"c2", "r1"}, {"a"}),
      onnx_node("Relu", {"a"}, {"r2"}),
      onnx_node("GlobalAveragePool", {"r2"}, {"p"}),
      onnx_node("Flatten", {"p"}, {"f"}),
      onnx_node("Gemm", {"f", "w3", "b3"}, {"y"}, {onnx_integer_attribute("transB", 1)}),
  };
  parts.constants = {random_tensor("w1", {8, 3, 3, 3}, -0.3, 0.3),
                     random_tensor("b1", {8}, -0.2, 0.2),
                     random_tensor("g", {8}, 0.5, 2),
                     random_tensor("o", {8}, -0.3, 0.5),
                     random_tensor("m", {8}, -0.1, 0.1),
                     random_tensor("v", {8}, 0.3, 1),
                     random_tensor("w2", {8, 8, 3, 3}, -0.2, 0.2),
                     random_tensor("w3", {5, 8}, -1, 1),
                     random_tensor("b3", {5}, -0.1, 0.1)};
  parts.inputs = {onnx_value("x", kOnnxFloat, {-1, 3, 10, 10})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {-1, 5})};
  return parts;
}

inline fit::SampleSet random_samples(int64_t count, uint64_t seed = 1) {
  return {count, [seed](int64_t index) -> Result<fit::NetworkSample> {
            Tensor x(DType::F32, Shape{1, 3, 10, 10});
            Rng rng(seed, static_cast<uint64_t>(index));
            for (float& value : x.span<float>()) value = static_cast<float>(rng.normal());
            fit::NetworkSample sample;
            sample.inputs.emplace_back("x", std::move(x));
            return sample;
          }};
}

}  // namespace verge::test
