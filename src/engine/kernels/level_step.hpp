#pragma once
// One channel of a parameter of levels takes its step; what sgd_int8 and sgd_conv2d_int8 share.

#include <verge/engine/graph/level_update.hpp>

namespace verge::kernels {

/// Updates the `count` elements from `first` on, which are all of one channel, from their
/// gradients. Input and output 0 is p, output 1 the remainder where there is one.
inline void level_step(const graph::KernelCall& call, const graph::LevelUpdate& update,
                       float factor, int64_t first, int64_t count, const float* grad) {
  Rng rng = update.draws(first);
  if (call.out(0).dtype == DType::I32) {
    auto* p = call.out(0).as<int32_t>() + first;
    for (int64_t i = 0; i < count; ++i) update.bias(p[i], grad[i], factor, rng);
    return;
  }
  auto* p = call.out(0).as<int8_t>() + first;
  auto* rest = call.wants(1) ? call.out(1).as<int8_t>() + first : nullptr;
  for (int64_t i = 0; i < count; ++i) {
    update.weight(p[i], rest == nullptr ? nullptr : rest + i, grad[i], factor, rng);
  }
}

}  // namespace verge::kernels
