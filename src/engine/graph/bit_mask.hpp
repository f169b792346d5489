#pragma once
// Bit masks of relu and clip: one bit an element, set where the gradient passes. Bit i % 8 of byte
// i / 8 belongs to element i.

#include <cmath>

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// The extents of the mask of a tensor: [ceil(count / 8)]; with symbolic extents, at least that
/// many bytes, [ceil(constant / 8) * symbol, ...].
Dims mask_dims(const Dims& dims);

/// Outputs: y like input 0, and its mask, u8.
Status infer_with_mask(InferContext& context);
/// Needs the mask, output 1.
void mask_gradient(GradientContext& context);
/// y = min(max(x, low), high); the mask is set where low < x < high.
void clip_with_mask(const KernelCall& call, double low, double high);

}  // namespace verge::graph
