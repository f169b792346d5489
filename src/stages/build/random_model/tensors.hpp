#pragma once
// The tensors of a family, in the order of the file.

#include <string>
#include <vector>

#include <verge/core/shape.hpp>
#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::build {

struct RandomTensor {
  std::string name;
  Shape shape;  // outermost first; rows are contiguous
  DType dtype = DType::F32;
  float mean = 0.0f;
  float deviation = 1.0f;
};

/// Deviations keep activations near one and logits a few units apart, so that neither softmax nor
/// greedy choice is degenerate.
std::vector<RandomTensor> random_tensors(const RandomModelSpec& spec);

}  // namespace verge::build
