#include <algorithm>
#include <limits>

#include <verge/engine/quant/fit.hpp>
#include <verge/engine/quant/lanes.hpp>

namespace verge::quant {
namespace {

constexpr int kRefinements = 4;

/// Sums over the block that do not depend on the candidate.
struct Moments {
  float w = 0;
  float x = 0;
  float xx = 0;
};

struct Trial {
  Affine fit;
  float error = std::numeric_limits<float>::infinity();
};

template <int N>
Moments moments(const float* x, const float* w) {
  Lanes sum_w{};
  Lanes sum_x{};
  Lanes sum_xx{};
  for (int i = 0; i < N; i += kLanes) {
    const Lanes weights = load(w + i);
    const Lanes wx = weights * load(x + i);
    sum_w += weights;
    sum_x += wx;
    sum_xx += wx * load(x + i);
  }
  return {sum(sum_w), sum(sum_x), sum(sum_xx)};
}

template <int N>
float absolute_error(const float* x, const float* w, Affine rounding, Affine fit, float levels) {
  const float inverse = 1 / rounding.scale;
  Lanes error{};
  for (int i = 0; i < N; i += kLanes) {
    const Lanes q = clamp(round((load(x + i) - rounding.offset) * inverse), 0, levels);
    error += load(w + i) * absolute(q * fit.scale + fit.offset - load(x + i));
  }
  return sum(error);
}

/// Rounds with `rounding`, then solves for the scale and offset that suit those integers best.
template <int N>
Trial try_rounding(const float* x, const float* w, const Moments& all, Affine rounding,
                   float levels, const AffineSearch& search) {
  const float inverse = 1 / rounding.scale;
  Lanes sums_q{};
  Lanes sums_qq{};
  Lanes sums_xq{};
  for (int i = 0; i < N; i += kLanes) {
    const Lanes values = load(x + i);
    const Lanes q = clamp(round((values - rounding.offset) * inverse), 0, levels);
    const Lanes wq = load(w + i) * q;
    sums_q += wq;
    sums_qq += wq * q;
    sums_xq += wq * values;
  }
  const float q = sum(sums_q);
  const float qq = sum(sums_qq);
  const float xq = sum(sums_xq);
  const float determinant = all.w * qq - q * q;
  if (!(determinant > 0)) return {};
  Trial trial{{(all.w * xq - all.x * q) / determinant, (qq * all.x - q * xq) / determinant}};
  if (trial.fit.offset > 0 && !search.positive_min) trial.fit = {xq / qq, 0};
  if (!(trial.fit.scale > 0)) return {};
  trial.error = search.absolute ? absolute_error<N>(x, w, rounding, trial.fit, levels)
                                : all.xx - trial.fit.scale * xq - trial.fit.offset * all.x;
  return trial;
}

}  // namespace

template <int N>
Affine fit_affine(const float* x, const float* w, int levels, const AffineSearch& search) {
  const auto [lowest, highest] = std::minmax_element(x, x + N);
  const float offset = search.positive_min ? *lowest : std::min(*lowest, 0.0f);
  const float range = *highest - offset;
  if (!(range > 0x1p-100f)) return {0, offset};
  const float top = static_cast<float>(levels);
  const Moments all = moments<N>(x, w);
  Trial best{{range / top, offset}};
  for (int k = 0; k <= search.steps; ++k) {
    const float reach = top + search.first + search.step * static_cast<float>(k);
    const Trial trial = try_rounding<N>(x, w, all, {range / reach, offset}, top, search);
    if (trial.error < best.error) best = trial;
  }
  for (int i = 0; i < kRefinements; ++i) {
    const Trial trial = try_rounding<N>(x, w, all, best.fit, top, search);
    if (!(trial.error < best.error)) break;
    best = trial;
  }
  return best.fit;
}

template Affine fit_affine<16>(const float*, const float*, int, const AffineSearch&);
template Affine fit_affine<32>(const float*, const float*, int, const AffineSearch&);

}  // namespace verge::quant
