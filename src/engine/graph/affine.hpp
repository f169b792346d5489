#pragma once
// The scale and zero point of quantize and dequantize: one for a tensor (attributes) or one a
// channel (inputs 1 and 2, along {axis}).

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

Status expect_affine(const InferContext& context);

class Affine {
 public:
  explicit Affine(const KernelCall& call);
  double scale(size_t element) const { return scales_[channel(element)]; }
  double zero_point(size_t element) const { return zero_points_[channel(element)]; }

 private:
  size_t channel(size_t element) const { return element / inner_ % scales_.size(); }

  std::vector<double> scales_, zero_points_;
  size_t inner_ = 1;  // elements of one channel that stand together
};

}  // namespace verge::graph
