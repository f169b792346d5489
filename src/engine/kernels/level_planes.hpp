#pragma once
// Operators on 8-bit levels over [batch, channels, height, width], as training has them: weights
// lie as they are, since they change at every step, and nothing is copied. Calling convention:
// gemm.hpp.

#include <verge/engine/kernels/conv_int8.hpp>
#include <verge/engine/kernels/level_backward.hpp>
#include <verge/engine/kernels/pool.hpp>

namespace verge::kernels {

/// y of `how.to` from the sums of w [out, in / groups, kernel] times x less its zero.
void conv2d_level_planes(const Conv2d& conv, const LevelImage& x, const int8_t* w,
                         const Requantize& how, std::byte* y, Worker& worker);

/// The largest level of each window and, unless null, which it is (pool.hpp).
void max_pool_levels(const Pool2d& pool, const LevelImage& x, std::byte* y, uint8_t* window_index,
                     Worker& worker);
/// The sum of each window less x's zero, times `multiplier` over the count.
void avg_pool_levels(const Pool2d& pool, const LevelImage& x, double multiplier,
                     const Requantize& how, std::byte* y, Worker& worker);

}  // namespace verge::kernels
