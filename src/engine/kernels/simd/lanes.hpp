#pragma once
// Lanes of two vectors taken apart and put together.

#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

/// Lanes 0, 2, 4, ... of two vectors.
VERGE_INLINE F32 even_lanes(F32 a, F32 b) {
#if VERGE_LANES == 16
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
#elif VERGE_LANES == 8
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
#else
  return __builtin_shufflevector(a, b, 0, 2, 4, 6);
#endif
}
/// Lanes 1, 3, 5, ...
VERGE_INLINE F32 odd_lanes(F32 a, F32 b) {
#if VERGE_LANES == 16
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif VERGE_LANES == 8
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  return __builtin_shufflevector(a, b, 1, 3, 5, 7);
#endif
}
/// a0, b0, a1, b1, ... of the lower halves.
VERGE_INLINE F32 interleave_low(F32 a, F32 b) {
#if VERGE_LANES == 16
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#elif VERGE_LANES == 8
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#endif
}
/// The same of the upper halves.
VERGE_INLINE F32 interleave_high(F32 a, F32 b) {
#if VERGE_LANES == 16
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
#elif VERGE_LANES == 8
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

/// Whether compress() is one instruction.
#if VERGE_LANES == 16 && defined(__AVX512F__)
constexpr bool kCompresses = true;
#else
constexpr bool kCompresses = false;
#endif
/// The lanes whose bits are set, side by side from lane 0 on; then anything.
VERGE_INLINE F32 compress(F32 x, unsigned lanes) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  return reinterpret_cast<F32>(
      _mm512_maskz_compress_ps(static_cast<__mmask16>(lanes), reinterpret_cast<__m512>(x)));
#else
  F32 out{};
  int at = 0;
  for (int i = 0; i < kLanes; ++i) {
    if ((lanes >> i & 1) != 0) out[at++] = x[i];
  }
  return out;
#endif
}

}  // namespace verge::kernels::VERGE_ISA
