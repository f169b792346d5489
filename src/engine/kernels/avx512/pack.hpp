#pragma once
// Packing of operands for the micro kernels of tile.cpp: lines are transposed by blocks of 16 words
// of 32 bits, which hold one f32 or a pair (k, k + 1) of bf16.

#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

VERGE_INLINE __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : (1u << (count > 0 ? count : 0)) - 1);
}

/// One f32 a word.
struct WordsF32 {
  static constexpr int64_t kStep = 1;  // ks a word

  /// 16 words of one line, from `in`, of which `left` ks exist.
  static VERGE_INLINE __m512i along(const float* in, int64_t left) {
    return _mm512_castps_si512(_mm512_maskz_loadu_ps(first_lanes(left), in));
  }
  /// The word of one k of 16 lines side by side.
  static VERGE_INLINE __m512i across(const float* in, int64_t, int64_t, __mmask16 lines) {
    return _mm512_castps_si512(_mm512_maskz_loadu_ps(lines, in));
  }
};

/// Transposes 16 x 16 words.
VERGE_INLINE void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {  // now r[i + 4 j] holds columns i, 4 + i, 8 + i, 12 + i of rows 4 j
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[8 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[4 + i], 0x88);
    r[4 + i] = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[4 + i], 0xdd);
    r[12 + i] = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0xdd);
  }
}

/// Up to 16 lines that are contiguous along k; `width` words lie between two ks of the result.
template <typename Words>
VERGE_INLINE void pack_along(const float* in, int64_t line_stride, int64_t lines, int64_t k,
                             int64_t width, __mmask16 stored, uint32_t* out) {
  constexpr int64_t kBlock = 16 * Words::kStep;
  for (int64_t p = 0; p < k; p += kBlock) {
    __m512i rows[16];
    for (int i = 0; i < 16; ++i) {
      rows[i] = i < lines ? Words::along(in + i * line_stride + p, k - p) : _mm512_setzero_si512();
    }
    transpose(rows);
    const int64_t words = (k - p + Words::kStep - 1) / Words::kStep;
    if (words >= 16) {
      for (int i = 0; i < 16; ++i) _mm512_mask_storeu_epi32(out + i * width, stored, rows[i]);
    } else {
      for (int i = 0; i < 16; ++i) {
        if (i < words) _mm512_mask_storeu_epi32(out + i * width, stored, rows[i]);
      }
    }
    out += 16 * width;
  }
}

/// Up to 16 lines that lie side by side.
template <typename Words>
VERGE_INLINE void pack_across(const float* in, int64_t k_stride, int64_t lines, int64_t k,
                              int64_t width, __mmask16 stored, uint32_t* out) {
  for (int64_t p = 0; p < k; p += Words::kStep, out += width) {
    const __m512i words = Words::across(in + p * k_stride, k_stride, k - p, first_lanes(lines));
    _mm512_mask_storeu_epi32(out, stored, words);
  }
}

/// TileKernels::pack for operands of which one stride is 1.
template <typename Words>
void pack(const float* in, int64_t line_stride, int64_t k_stride, int64_t lines, int64_t k,
          int width, void* packed) {
  auto* out = static_cast<uint32_t*>(packed);
  const int64_t words = (k + Words::kStep - 1) / Words::kStep;
  for (int64_t first = 0; first < lines; first += width, out += width * words) {
    for (int64_t group = 0; group < width; group += 16) {
      const float* from = in + (first + group) * line_stride;
      const int64_t used = (lines - first < width ? lines - first : width) - group;
      const __mmask16 stored = first_lanes(width - group);
      if (k_stride == 1) {
        pack_along<Words>(from, line_stride, used, k, width, stored, out + group);
      } else {
        pack_across<Words>(from, k_stride, used, k, width, stored, out + group);
      }
    }
  }
}

}  // namespace verge::kernels::VERGE_ISA
