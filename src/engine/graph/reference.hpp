#pragma once
// What reference kernels compute with: whole tensors as doubles, whatever their stored type.

#include <vector>

#include <verge/core/tensor.hpp>

namespace verge::graph {

struct KernelCall;

/// All values of a tensor; block types are decoded.
std::vector<double> load(const TensorView& tensor);

/// Writes values, rounded to the tensor's type; values.size() must be the tensor's count. Plain
/// types only.
void store(const TensorView& tensor, const std::vector<double>& values);

/// The rows [first, first + count) only, for tables too large to decode as a whole. A row is the
/// last axis.
std::vector<double> load_rows(const TensorView& tensor, int64_t first, int64_t count);

/// store() to this output of the call, unless nobody reads it.
void store_wanted(const KernelCall& call, size_t output, const std::vector<double>& values);

}  // namespace verge::graph
