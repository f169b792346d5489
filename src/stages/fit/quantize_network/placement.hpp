#pragma once
// Placement: which values of a network become levels.

#include <map>
#include <string>
#include <vector>

#include <verge/engine/format/onnx/types.hpp>

namespace verge::fit {

/// A product with stored weights.
struct QuantizedLayer {
  size_t node = 0;  // of the model's
  std::string name = {};
  std::string op = {};
  std::string input = {}, weight = {}, bias = {};  // bias: empty without
  int64_t axis = 0;                                // of the weight: its output channels
};

struct Placement {
  std::vector<QuantizedLayer> layers = {};
  std::vector<std::string> values = {};            // that become levels, in order
  std::map<std::string, std::string> groups = {};  // value -> the name of its group of one scale
};

/// Of Conv, Gemm and MatMul with stored f32 weights the input and the result, that behind a ReLU or
/// Clip; sums and products of two such values; what elementwise nodes make of one; pools, and what
/// only moves values, which keeps their scale. Nodes
/// named in `keep`, by node or by output, stay floats. Fails with InvalidArgument for a name in
/// `keep` that is no layer.
Result<Placement> place_levels(const format::onnx::ModelData& model,
                               const std::vector<std::string>& keep);

}  // namespace verge::fit
