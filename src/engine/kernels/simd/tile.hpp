#pragma once
// The f32 micro kernel and packing, written on F32. VERGE_TILE_ROWS x 2 vectors of C stay in
// registers: 12 x 2 of the 32 of AVX-512 and NEON, 6 x 2 of AVX2's 16.

#include <verge/engine/kernels/simd/vec.hpp>
#include <verge/engine/kernels/tile.hpp>

namespace verge::kernels::VERGE_ISA {

constexpr int kTileColumns = 2 * kLanes;

/// Adds alpha * acc to (beta times) the used part of C.
template <int Rows>
VERGE_INLINE void store_tile(const F32 (&acc)[Rows][2], float* c, int64_t c_stride,
                             int64_t used_rows, int64_t used_columns, float alpha, float beta) {
  const int64_t left = used_columns < kLanes ? used_columns : kLanes;
  const int64_t right = used_columns - left;
  for (int i = 0; i < Rows; ++i) {
    if (i >= used_rows) return;
    float* row = c + i * c_stride;
    F32 a = acc[i][0] * alpha;
    F32 b = acc[i][1] * alpha;
    if (beta != 0) {
      a = fma(load_some(row, left), splat(beta), a);
      if (right > 0) b = fma(load_some(row + kLanes, right), splat(beta), b);
    }
    store_some(row, a, left);
    if (right > 0) store_some(row + kLanes, b, right);
  }
}

template <int Rows, int Panel>
void micro_f32(int64_t k, const float* a, const float* b, float* c, int64_t c_stride,
               int64_t used_rows, int64_t used_columns, float alpha, float beta) {
  F32 acc[Rows][2] = {};
  for (int64_t p = 0; p < k; ++p) {
    const F32 b0 = load(b);
    const F32 b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const F32 ai = splat(a[i]);
      acc[i][0] = fma(ai, b0, acc[i][0]);
      acc[i][1] = fma(ai, b1, acc[i][1]);
    }
    a += Panel;
    b += kTileColumns;
  }
  store_tile<Rows>(acc, c, c_stride, used_rows, used_columns, alpha, beta);
}

/// A tile at the lower edge of C uses a kernel of about as many rows as it needs.
template <int Panel>
void micro_f32_any(int64_t k, const void* a, const void* b, float* c, int64_t c_stride,
                   int64_t used_rows, int64_t used_columns, float alpha, float beta) {
  constexpr int kThird = (Panel + 2) / 3;
  const auto micro = used_rows > 2 * kThird ? micro_f32<Panel, Panel>
                     : used_rows > kThird   ? micro_f32<2 * kThird, Panel>
                                            : micro_f32<kThird, Panel>;
  micro(k, static_cast<const float*>(a), static_cast<const float*>(b), c, c_stride, used_rows,
        used_columns, alpha, beta);
}

/// Transposes 4 x 4 floats: out[j][i] = in[i][j].
VERGE_INLINE void transpose_4x4(const float* in, int64_t in_stride, float* out,
                                int64_t out_stride) {
  typedef float F4 __attribute__((vector_size(16), aligned(4), may_alias));
  F4 r[4];
  for (int i = 0; i < 4; ++i) r[i] = *reinterpret_cast<const F4*>(in + i * in_stride);
  const F4 a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const F4 b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const F4 c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const F4 d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  *reinterpret_cast<F4*>(out) = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  *reinterpret_cast<F4*>(out + out_stride) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  *reinterpret_cast<F4*>(out + 2 * out_stride) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  *reinterpret_cast<F4*>(out + 3 * out_stride) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

/// One full panel whose lines are contiguous along k.
VERGE_INLINE void pack_transposed(const float* in, int64_t line_stride, int64_t k, int width,
                                  float* out) {
  int line = 0;
  for (; line + 4 <= width; line += 4) {
    const float* lines = in + line * line_stride;
    int64_t p = 0;
    for (; p + 4 <= k; p += 4) {
      transpose_4x4(lines + p, line_stride, out + p * width + line, width);
    }
    for (; p < k; ++p) {
      for (int i = 0; i < 4; ++i) out[p * width + line + i] = lines[i * line_stride + p];
    }
  }
  for (; line < width; ++line) {
    for (int64_t p = 0; p < k; ++p) out[p * width + line] = in[line * line_stride + p];
  }
}

inline void pack_f32(const float* in, int64_t line_stride, int64_t k_stride, int64_t lines,
                     int64_t k, int width, void* packed) {
  float* out = static_cast<float*>(packed);
  for (int64_t first = 0; first < lines; first += width, out += width * k) {
    const float* panel = in + first * line_stride;
    const int64_t used = lines - first < width ? lines - first : width;
    if (used == width && k_stride == 1) {
      pack_transposed(panel, line_stride, k, width, out);
    } else if (used == width && line_stride == 1) {
      for (int64_t p = 0; p < k; ++p) {
        for (int i = 0; i < width; i += 1) out[p * width + i] = panel[p * k_stride + i];
      }
    } else {
      for (int64_t p = 0; p < k; ++p) {
        for (int64_t i = 0; i < width; ++i) {
          out[p * width + i] = i < used ? panel[i * line_stride + p * k_stride] : 0.0f;
        }
      }
    }
  }
}

}  // namespace verge::kernels::VERGE_ISA
