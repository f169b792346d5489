#pragma once
// What one sub-block of 16 rows adds to one token's sums; and the choice of a format by its type.
// Both ways of multiplying use the same operations in the same order, so that a token's result
// does not depend on how many others run beside it.

#include <verge/engine/kernels/avx512/block_formats.hpp>
#include <verge/engine/kernels/product_tile.hpp>

namespace verge::kernels::avx512 {
namespace {

inline __m512i broadcast4(const int8_t* q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm512_set1_epi32(four);
}

// -zero point * sum of q, to start a sum of unsigned bytes with.
inline __m512i start(int32_t correction, int zero_shift) {
  return _mm512_set1_epi32(correction >> zero_shift);
}

inline __m512i dot4(const __m512i* q, const int8_t* x, __m512i sum) {
  for (int v = 0; v < 4; ++v) sum = _mm512_dpbusd_epi32(sum, q[v], broadcast4(x + 4 * v));
  return sum;
}

// The scaled integer sums, and the minimums' share, before the activation's scale.
template <class Sub>
inline __m512 finish_half(const Sub& s, int half, __m512i sum, float x_sum, __m512 so_far) {
  const __m512 value = _mm512_cvtepi32_ps(sum);
  so_far =
      half == 0 ? _mm512_mul_ps(value, s.scale[0]) : _mm512_fmadd_ps(value, s.scale[half], so_far);
  if constexpr (Sub::kMin) so_far = _mm512_fmadd_ps(s.min[half], _mm512_set1_ps(x_sum), so_far);
  return so_far;
}

template <int kZeroShift, class Sub>
inline __m512 add_token(const Sub& s, const ActivationBlock& x, __m512 y) {
  const __m512i zero = _mm512_setzero_si512();
  __m512 value;
  if constexpr (Sub::kPer16) {
    const int32_t high = x.correction - x.correction_low;
    const __m512i a = dot4(s.q, x.q, Sub::kMin ? zero : start(x.correction_low, kZeroShift));
    const __m512i b = dot4(s.q + 4, x.q + 16, Sub::kMin ? zero : start(high, kZeroShift));
    value = finish_half(s, 0, a, static_cast<float>(x.correction_low) * (-1.0f / 128),
                        _mm512_setzero_ps());
    value = finish_half(s, 1, b, static_cast<float>(high) * (-1.0f / 128), value);
  } else {
    __m512i sum = dot4(s.q, x.q, Sub::kMin ? zero : start(x.correction, kZeroShift));
    sum = dot4(s.q + 4, x.q + 16, sum);
    value = finish_half(s, 0, sum, x.sum, _mm512_setzero_ps());
  }
  return _mm512_fmadd_ps(value, _mm512_set1_ps(x.d), y);
}

template <class Run>
inline void with_format(DType dtype, Run&& run) {
  switch (dtype) {
    case DType::Q4_0:
      return run.template operator()<Q4_0>();
    case DType::Q4_1:
      return run.template operator()<Q4_1>();
    case DType::Q5_0:
      return run.template operator()<Q5_0>();
    case DType::Q5_1:
      return run.template operator()<Q5_1>();
    case DType::Q8_0:
      return run.template operator()<Q8_0>();
    case DType::IQ4_NL:
      return run.template operator()<Iq4Nl>();
    case DType::Q2_K:
      return run.template operator()<Q2_K>();
    case DType::Q3_K:
      return run.template operator()<Q3_K>();
    case DType::Q4_K:
      return run.template operator()<Q4_K>();
    case DType::Q5_K:
      return run.template operator()<Q5_K>();
    case DType::Q6_K:
      return run.template operator()<Q6_K>();
    case DType::IQ4_XS:
      return run.template operator()<Iq4Xs>();
    case DType::TQ2_0:
      return run.template operator()<Tq2_0>();
    default:
      __builtin_unreachable();
  }
}

}  // namespace
}  // namespace verge::kernels::avx512
