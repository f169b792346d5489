#pragma once
// What stands between a network's convolutions and their quantization, made part of the weights.

#include <verge/engine/format/onnx/types.hpp>

namespace verge::fit {

/// f32 values of an initializer of the model, or none.
std::vector<float> floats_of(const format::onnx::TensorData& tensor);
/// A tensor that owns its values.
format::onnx::TensorData stored_floats(std::string name, std::vector<int64_t> dims,
                                       const std::vector<float>& values);

/// Nodes `Constant` become initializers; batch norms that alone read a convolution with stored
/// weights become part of them (Jacob et al. 2018, section 3.2). Files of opset 7 to 12 become
/// files of 13, which has scales by channel. Fails with Unsupported for older ones, for branches,
/// and for operators whose meaning changed between.
Status prepare_model(format::onnx::ModelData& model);

}  // namespace verge::fit
