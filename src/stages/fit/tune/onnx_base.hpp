#pragma once
// open_onnx_base: an ONNX network of any kind with a loss behind one of its outputs.

#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::fit {

/// Output shape.output of the network, or its first, with a cross-entropy over its last axis (a
/// softmax at the end is part of it), or a mean squared error. What only other outputs need is left
/// out. Written-out norms and activations are one operator each, with the gradients of those; of
/// one picture they are left as they are. Fails as complete_shape and onnx::import_onnx do, and
/// with Unsupported, naming it, for an output whose first axis are no samples or that is a softmax
/// over another axis than its last, weights of another type than f32, and names that training
/// needs.
Result<BaseModel> open_onnx_base(const std::string& path, const BaseShape& shape);

}  // namespace verge::fit
