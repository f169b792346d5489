#pragma once
// What the kernels of the batch norms share: the geometry of a call.

#include <verge/engine/kernels/batch_norm.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// The batch norm of an image of this shape.
inline BatchNorm batch_norm_of(const graph::Attrs& attrs, const Shape& x) {
  return {.batch = x[0],
          .channels = x[1],
          .area = x[2] * x[3],
          .epsilon = static_cast<float>(attrs.real("eps", 1e-5)),
          .momentum = static_cast<float>(attrs.real("momentum", 0.1)),
          .has_relu = attrs.text("activation", "none") == "relu"};
}

}  // namespace verge::kernels
