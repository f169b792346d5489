#pragma once
// Searches for the scale (and minimum) with which a few values are best written as small integers.
// Rounding to the range of the values is not best: a slightly smaller or larger step often fits
// more of them. Each search tries steps around that one, solves least squares for the integers it
// gives, and keeps the best. Method: the K-quants of llama.cpp (Kawrakow 2023); the closing
// alternation of rounding and least squares is Lloyd's (1982).
//
// Values must be of moderate size (|x| <= 2): callers normalize. N is 8, 16 or 32.

#include <cstdint>

#include <verge/engine/quant/lanes.hpp>

namespace verge::quant {

/// x ~ scale * q, with low <= q <= high. Searches 19 steps that bring the largest |x| near each end
/// that is not 0; minimizes sum of w * (x - scale * q)^2. Returns 0 when all x or w are 0.
template <int N>
float fit_scale(const float* x, const float* w, int low, int high);

/// The candidates of fit_affine: steps (max - min) / (levels + first + k * step), k = 0..steps.
struct AffineSearch {
  float first;
  float step;
  int steps;
  bool absolute = false;      // minimize |error| instead of error^2
  bool positive_min = false;  // the format can hold offset > 0
};

/// x ~ scale * q + offset.
struct Affine {
  float scale = 0;
  float offset = 0;
};

/// x ~ scale * q + offset, with 0 <= q <= levels and offset <= 0 unless search.positive_min.
/// Minimizes the weighted error; scale is 0 when all x are equal and not positive.
template <int N>
Affine fit_affine(const float* x, const float* w, int levels, const AffineSearch& search);

/// q = the integers in [low, high] nearest to (x - offset) / scale; 0 (clamped) when scale is 0.
template <int N>
void assign(const float* x, Affine fit, int low, int high, int8_t* q) {
  const float inverse = fit.scale != 0 ? 1 / fit.scale : 0;
  const float first = static_cast<float>(low);
  const float last = static_cast<float>(high);
  for (int i = 0; i < N; i += kLanes) {
    // Clamped before rounding: scales that fp16 rounded towards 0 give quotients beyond round().
    const Lanes nearest = round(clamp((load(x + i) - fit.offset) * inverse, first, last));
    for (int j = 0; j < kLanes; ++j) q[i + j] = static_cast<int8_t>(nearest[j]);
  }
}

/// sum of w * (x - scale * q - offset)^2 over the q that assign() finds.
template <int N>
float rounding_error(const float* x, const float* w, Affine fit, int low, int high) {
  const float inverse = fit.scale != 0 ? 1 / fit.scale : 0;
  const float first = static_cast<float>(low);
  const float last = static_cast<float>(high);
  Lanes error{};
  for (int i = 0; i < N; i += kLanes) {
    const Lanes values = load(x + i) - fit.offset;
    const Lanes difference = values - round(clamp(values * inverse, first, last)) * fit.scale;
    error += load(w + i) * difference * difference;
  }
  return sum(error);
}

}  // namespace verge::quant
