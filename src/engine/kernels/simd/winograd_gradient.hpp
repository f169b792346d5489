#pragma once
// Winograd's transforms of weights, and those of the gradients of weights, written on F32;
// winograd_tiles.hpp says what each does.

#include <verge/engine/kernels/simd/winograd.hpp>

namespace verge::kernels::VERGE_ISA {

/// F(2, 3): G and its transpose on vectors of 3 taps and of 4 places; A on 2 results.
struct WinogradGradient2 {
  using Forward = Winograd2;
  static constexpr int kOut = 2, kIn = 4, kRead = 2;
  static VERGE_INLINE void weights(const F32* w, F32* g) {
    const F32 ends = w[0] + w[2];
    g[0] = w[0];
    g[1] = (ends + w[1]) * 0.5f;
    g[2] = (ends - w[1]) * 0.5f;
    g[3] = w[2];
  }
  static VERGE_INLINE void taps(const F32* u, F32* w) {
    const F32 half = (u[1] + u[2]) * 0.5f;
    w[0] = u[0] + half;
    w[1] = (u[1] - u[2]) * 0.5f;
    w[2] = u[3] + half;
  }
  static VERGE_INLINE void input(const F32* d, F32* t) {
    t[0] = d[0];
    t[1] = d[0] + d[1];
    t[2] = d[0] - d[1];
    t[3] = -d[1];
  }
  static VERGE_INLINE void split(const float* row, F32* d) {
    const F32 a = load(row), b = load(row + kLanes);
    d[0] = even_lanes(a, b);
    d[1] = odd_lanes(a, b);
  }
};

/// F(4, 3).
struct WinogradGradient4 {
  using Forward = Winograd4;
  static constexpr int kOut = 4, kIn = 6, kRead = 4;
  static VERGE_INLINE void weights(const F32* w, F32* g) {
    const F32 ends = (w[0] + w[2]) * (-1.0f / 6), middle = w[1] * (1.0f / 6);
    const F32 far = fma(w[0], splat(1.0f / 24), w[2] * (1.0f / 6)), half = w[1] * (1.0f / 12);
    g[0] = w[0] * 0.25f;
    g[1] = ends - middle;
    g[2] = ends + middle;
    g[3] = far + half;
    g[4] = far - half;
    g[5] = w[2];
  }
  static VERGE_INLINE void taps(const F32* u, F32* w) {
    const F32 near = (u[1] + u[2]) * (1.0f / 6), far = u[3] + u[4];
    w[0] = u[0] * 0.25f - near + far * (1.0f / 24);
    w[1] = (u[2] - u[1]) * (1.0f / 6) + (u[3] - u[4]) * (1.0f / 12);
    w[2] = u[5] - near + far * (1.0f / 6);
  }
  static VERGE_INLINE void input(const F32* d, F32* t) {
    const F32 even = d[0] + d[2], odd = d[1] + d[3];
    const F32 far_even = d[0] + 4.0f * d[2], far_odd = 2.0f * d[1] + 8.0f * d[3];
    t[0] = d[0];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = far_even + far_odd;
    t[4] = far_even - far_odd;
    t[5] = d[3];
  }
  static VERGE_INLINE void split(const float* row, F32* d) {
    F32 even[2], odd[2];
    for (int i = 0; i < 2; ++i) {
      const F32 a = load(row + 2 * i * kLanes), b = load(row + (2 * i + 1) * kLanes);
      even[i] = even_lanes(a, b);
      odd[i] = odd_lanes(a, b);
    }
    d[0] = even_lanes(even[0], even[1]);
    d[1] = even_lanes(odd[0], odd[1]);
    d[2] = odd_lanes(even[0], even[1]);
    d[3] = odd_lanes(odd[0], odd[1]);
  }
};

template <class F>
void transform_weights(int64_t n, const float* w, int64_t stride, int64_t plane, float* u) {
  for_vectors(n, [&](int64_t at, int64_t lanes) {
    F32 half[F::kIn][3];
    for (int x = 0; x < 3; ++x) {
      F32 column[3], g[F::kIn];
      for (int y = 0; y < 3; ++y) column[y] = load_some(w + (y * 3 + x) * stride + at, lanes);
      F::weights(column, g);
      for (int i = 0; i < F::kIn; ++i) half[i][x] = g[i];
    }
    for (int i = 0; i < F::kIn; ++i) {
      F32 g[F::kIn];
      F::weights(half[i], g);
      for (int j = 0; j < F::kIn; ++j) store_some(u + (i * F::kIn + j) * plane + at, g[j], lanes);
    }
  });
}

template <class F>
void gradient_of_weights(int64_t n, const float* u, int64_t plane, int64_t stride, float* w) {
  for_vectors(n, [&](int64_t at, int64_t lanes) {
    F32 half[3][F::kIn];
    for (int j = 0; j < F::kIn; ++j) {
      F32 column[F::kIn], taps[3];
      for (int i = 0; i < F::kIn; ++i) {
        column[i] = load_some(u + (i * F::kIn + j) * plane + at, lanes);
      }
      F::taps(column, taps);
      for (int y = 0; y < 3; ++y) half[y][j] = taps[y];
    }
    for (int y = 0; y < 3; ++y) {
      F32 taps[3];
      F::taps(half[y], taps);
      for (int x = 0; x < 3; ++x) store_some(w + (y * 3 + x) * stride + at, taps[x], lanes);
    }
  });
}

template <class F>
constexpr WinogradKernels kWinogradTable = {load_tiles<typename F::Forward>,
                                            store_tiles<typename F::Forward>, load_tiles<F>,
                                            transform_weights<F>, gradient_of_weights<F>};

}  // namespace verge::kernels::VERGE_ISA
