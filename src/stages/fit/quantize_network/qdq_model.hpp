#pragma once
// The network in QDQ form: behind each value that becomes levels a QuantizeLinear and a
// DequantizeLinear, before each layer those of its weights and bias (what ONNX Runtime's quantizer
// writes, per channel, with u8 activations, i8 weights and i32 biases).

#include <map>
#include <span>

#include <verge/stages/fit/calibration/ranges.hpp>
#include <verge/stages/fit/quantize_network/placement.hpp>

namespace verge::fit {

/// Weights of i8, symmetric, by output channel.
struct WeightLevels {
  std::vector<int8_t> levels;
  std::vector<float> scales;
  double sqnr = 0;  // dB
};

/// What is added to a product of x: by channel, one for all, or none.
struct LayerBias {
  std::span<const float> values;
  float x_scale = 1;
};

/// `axis` of `dims` is the output channels'. The bias needs scales in which it fits.
WeightLevels weight_levels(const std::vector<float>& values, const std::vector<int64_t>& dims,
                           int64_t axis, const LayerBias& bias);

/// `scales`: of each value of the placement. The model's own tensors stay where they are.
format::onnx::ModelData qdq_model(const format::onnx::ModelData& model, const Placement& placement,
                                  const std::map<std::string, LevelScale>& scales);

}  // namespace verge::fit
