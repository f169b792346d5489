#pragma once
// What reference kernels compute with: whole tensors as doubles, whatever their stored type.

#include <vector>

#include <verge/core/tensor.hpp>

namespace verge::graph {

/// All values of a tensor; block types are decoded.
std::vector<double> load(const TensorView& tensor);

/// Writes values, rounded to the tensor's type; values.size() must be the tensor's count. Plain
/// types only.
void store(const TensorView& tensor, const std::vector<double>& values);

}  // namespace verge::graph
