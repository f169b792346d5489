#pragma once
// Kernels on rows of floats, written on F32; rows.hpp says what each does.

#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/simd/activations.hpp>
#include <verge/engine/kernels/simd/adapter_rows.hpp>
#include <verge/engine/kernels/simd/cached_rows.hpp>

namespace verge::kernels::VERGE_ISA {

inline void epilogue(int64_t n, float* y, const float* bias, float constant, Activation activation,
                     const float* residual) {
  with_activation(activation, [&](auto activate) {
    for_vectors(n, [&](int64_t i, int64_t count) {
      F32 x = load_some(y + i, count) + constant;
      if (bias != nullptr) x += load_some(bias + i, count);
      x = decltype(activate)::value(x);
      if (residual != nullptr) x += load_some(residual + i, count);
      store_some(y + i, x, count);
    });
  });
}

inline void exp_row(int64_t n, const float* x, float* y) {
  for_vectors(
      n, [&](int64_t i, int64_t count) { store_some(y + i, exp(load_some(x + i, count)), count); });
}

inline float dot(int64_t n, const float* x, const float* y) {
  F32 sum = {};
  for_vectors(n, [&](int64_t i, int64_t count) {
    sum = fma(load_some(x + i, count), load_some(y + i, count), sum);
  });
  return sum_lanes(sum);
}

inline void axpy(int64_t n, float alpha, const float* x, float* y) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(y + i, fma(splat(alpha), load_some(x + i, count), load_some(y + i, count)), count);
  });
}

inline void scale_row(int64_t n, float alpha, float* y) {
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(y + i, alpha * load_some(y + i, count), count);
  });
}

inline float max_row(int64_t n, const float* x) {
  F32 best = splat(-__builtin_inff());
  for_vectors(n, [&](int64_t i, int64_t count) {
    best = max(best, load_some(x + i, count, -__builtin_inff()));
  });
  return max_lanes(best);
}

inline float exp_sum(int64_t n, float shift, float* x) {
  F32 sum = {};
  for_vectors(n, [&](int64_t i, int64_t count) {
    const F32 y = exp(load_some(x + i, count, -__builtin_inff()) - shift);
    store_some(x + i, y, count);
    sum += y;
  });
  return sum_lanes(sum);
}

inline float sum_exp(int64_t n, float shift, const float* x) {
  F32 sum = {};
  for_vectors(n, [&](int64_t i, int64_t count) {
    sum += exp(load_some(x + i, count, -__builtin_inff()) - shift);
  });
  return sum_lanes(sum);
}

inline void soft_cap(int64_t n, float cap, float* x) {
  const float inverse = 1.0f / cap;
  for_vectors(n, [&](int64_t i, int64_t count) {
    store_some(x + i, cap * tanh(load_some(x + i, count) * inverse), count);
  });
}

inline void widen(DType dtype, int64_t n, const void* stored, float* out) {
  with_stored(dtype, [&](auto type) {
    for_vectors(n, [&](int64_t i, int64_t count) {
      store_some(out + i, load_stored<decltype(type)>(stored, i, count), count);
    });
  });
}

inline void narrow_f16(int64_t n, const float* x, uint16_t* out) {
  int64_t i = 0;
#if VERGE_LANES == 16 && defined(__AVX512F__)
  for (; i + 16 <= n; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  }
#elif VERGE_LANES == 8 && defined(__F16C__)
  for (; i + 8 <= n; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  }
#elif defined(__ARM_NEON)
  for (; i + 4 <= n; i += 4) {
    vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
  }
#endif
  for (; i < n; ++i) out[i] = f32_to_f16(x[i]);
}

inline void narrow_q8_0(int64_t n, const float* x, uint8_t* out) {
  for (int64_t first = 0; first < n; first += 32, out += 34) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) {
      const float magnitude = std::fabs(x[first + i]);
      largest = magnitude > largest ? magnitude : largest;
    }
    const float scale = largest / 127.0f;
    const float inverse = scale == 0 ? 0.0f : 1.0f / scale;
    const uint16_t bits = f32_to_f16(scale);
    std::memcpy(out, &bits, 2);
    for (int i = 0; i < 32; ++i) {
      out[2 + i] =
          static_cast<uint8_t>(static_cast<int8_t>(std::nearbyint(x[first + i] * inverse)));
    }
  }
}

inline void narrow(DType dtype, int64_t n, const float* x, void* stored) {
  switch (dtype) {
    case DType::F32:
      std::memcpy(stored, x, static_cast<size_t>(n) * sizeof(float));
      return;
    case DType::F16:
      return narrow_f16(n, x, static_cast<uint16_t*>(stored));
    case DType::Q8_0:
      return narrow_q8_0(n, x, static_cast<uint8_t*>(stored));
    case DType::BF16:
      for (int64_t i = 0; i < n; ++i) static_cast<uint16_t*>(stored)[i] = f32_to_bf16(x[i]);
      return;
    default:
      return;
  }
}

constexpr RowKernels kRowTable = {
    .epilogue = epilogue,
    .exp = exp_row,
    .dot = dot,
    .axpy = axpy,
    .scale = scale_row,
    .max = max_row,
    .exp_sum = exp_sum,
    .sum_exp = sum_exp,
    .soft_cap = soft_cap,
    .widen = widen,
    .narrow = narrow,
    .key_scores = key_scores,
    .add_values = add_values,
    .adapter_down = adapter_down,
    .adapter_up = adapter_up,
};

}  // namespace verge::kernels::VERGE_ISA
