#pragma once
// The tensors of one convolution of levels, of the f32 ones that it is made of: how real weights
// become levels, here and in quantized ONNX networks.

#include <verge/engine/nn/level_network.hpp>

namespace verge::nn {

/// The scale of a channel of weights as levels within +-127, whose largest is `most` (>= 0): that
/// becomes 127, unless the bias, in units of x's scale times this one, then were beyond 2^30. 1
/// where both are nothing.
float symmetric_scale(float most, float bias, float x_scale);
/// Within +-127; 0 for what is no number.
int8_t symmetric_level(float weight, float scale);
/// In units of `unit`, within +-2^30; 0 for what is no number.
int32_t bias_level(float bias, double unit);

struct LayerLevels {
  Tensor weight, bias, multiplier;  // i8, i32 and f32 [out]
  std::vector<float> scales;        // of the weight, by channel
  std::string bias_name;            // of the convolution, or of its norm, or made of its weight's
};

/// Weight and bias of `conv`, a plain conv2d, with the batch norm behind it (or null) made part of
/// them, as levels between activations of the forms x and y. Of a channel the largest weight is
/// level 127 or -127, unless symmetric_scale says otherwise. Fails with InvalidArgument for values
/// that are no finite numbers.
Result<LayerLevels> layer_levels(const graph::Graph& graph, const WeightValues& values,
                                 const graph::Node& conv, const graph::Node* norm,
                                 const LevelForm& x, const LevelForm& y);

}  // namespace verge::nn
