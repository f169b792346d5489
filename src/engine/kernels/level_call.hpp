#pragma once
// What kernels on levels ask of a call.

#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/level_backward.hpp>

namespace verge::kernels {

inline LevelImage level_image(const graph::KernelCall& call, size_t input) {
  return {call.in(input).data, call.in(input).dtype == DType::I8,
          static_cast<int>(call.attrs.integer("x_zero"))};
}

}  // namespace verge::kernels
