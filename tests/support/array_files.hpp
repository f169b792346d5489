#pragma once
// Arrays for tests of tuning, and networks that learn from them: a regressor of two inputs here,
// the encoder of bert_onnx.hpp.

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/format/npy/npy.hpp>
#include <verge/engine/graph/reference.hpp>

#include "onnx_writer.hpp"

namespace verge::test {

/// NAME.npy in the folder; its path.
inline std::string write_array(const std::string& path, const Shape& shape,
                               const std::vector<double>& values, DType dtype = DType::F32) {
  Tensor tensor(dtype, shape);
  graph::store(tensor.view(), values);
  EXPECT_TRUE(format::write_npy(path, tensor.view()));
  return path;
}

/// y = [a, c] w + b with a [n, 2], c [n, 1], y [n, 1].
inline OnnxParts regressor() {
  OnnxParts parts;
  parts.nodes = {onnx_node("Concat", {"a", "c"}, {"x"}, {onnx_integer_attribute("axis", 1)}),
                 onnx_node("MatMul", {"x", "w"}, {"p"}), onnx_node("Add", {"p", "b"}, {"y"})};
  parts.constants = {onnx_tensor<float>("w", kOnnxFloat, {3, 1}, {0.5f, 0, -1}),
                     onnx_tensor<float>("b", kOnnxFloat, {1}, {0.25f})};
  parts.inputs = {onnx_value("a", kOnnxFloat, {-1, 2}), onnx_value("c", kOnnxFloat, {-1, 1})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {-1, 1})};
  return parts;
}

/// Sentences of four of eleven tokens, whose first one says their class of three, as arrays of an
/// encoder (bert_onnx.hpp) in the folder.
inline void write_sentences(const std::string& folder, int64_t count = 120) {
  constexpr int64_t kTokens = 4;
  Rng rng(3);
  std::vector<double> ids, mask, types, labels;
  for (int64_t i = 0; i < count * kTokens; ++i) {
    ids.push_back(rng.below(11));
    mask.push_back(i % kTokens < 2 || rng.below(4) > 0);
    types.push_back(i % kTokens > 1);
    if (i % kTokens == 0) labels.push_back(std::fmod(ids.back(), 3));
  }
  const Shape shape{count, kTokens};
  write_array(folder + "/input_ids.npy", shape, ids, DType::I64);
  write_array(folder + "/attention_mask.npy", shape, mask, DType::I64);
  write_array(folder + "/token_type_ids.npy", shape, types, DType::I64);
  write_array(folder + "/labels.npy", {count}, labels, DType::I64);
}

}  // namespace verge::test
