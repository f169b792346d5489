#include <algorithm>
#include <cmath>
#include <numbers>

#include <verge/core/result.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/rope.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kMaxDims = 1024;

/// The (fractional) pair whose wave turns `turns` times in the original context: YaRN, section 3.2.
double pair_of_turns(const RopeParams& p, double turns) {
  const auto dims = static_cast<double>(p.dims);
  return dims * std::log(p.original_context / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(p.base));
}

/// How much of pair `i` is interpolated, 0..1.
double yarn_share(const RopeParams& p, int64_t i) {
  const double low = std::max(std::floor(pair_of_turns(p, p.beta_fast)), 0.0);
  const double high =
      std::min(std::ceil(pair_of_turns(p, p.beta_slow)), static_cast<double>(p.dims - 1));
  const double ramp = (static_cast<double>(i) - low) / std::max(high - low, 0.001);
  return std::clamp(ramp, 0.0, 1.0);
}

double llama3_share(const RopeParams& p, double frequency) {
  const double turns = p.original_context * frequency / (2 * std::numbers::pi);
  const double kept = (turns - p.low_frequency) / (p.high_frequency - p.low_frequency);
  return 1 - std::clamp(kept, 0.0, 1.0);
}

}  // namespace

double rope_frequencies(const RopeParams& p, double* frequencies) {
  for (int64_t i = 0; i < p.dims / 2; ++i) {
    double frequency =
        std::pow(p.base, -2.0 * static_cast<double>(i) / static_cast<double>(p.dims));
    if (p.divisors != nullptr) frequency /= p.divisors[i];
    double share = 0;
    if (p.scaling == RopeScaling::Linear) share = 1;
    if (p.scaling == RopeScaling::Yarn) share = yarn_share(p, i);
    if (p.scaling == RopeScaling::Llama3) share = llama3_share(p, frequency);
    frequencies[i] = frequency * (1 - share) + frequency / p.factor * share;
  }
  if (p.scaling != RopeScaling::Yarn) return 1;
  return p.attention_factor > 0 ? p.attention_factor : 0.1 * std::log(p.factor) + 1;
}

void rope_angles(const RopeParams& p, const int32_t* positions, int64_t count, float* angles) {
  VERGE_CHECK(p.dims % 2 == 0 && p.dims <= kMaxDims, p.dims);
  double frequencies[kMaxDims / 2];
  const double magnitude = rope_frequencies(p, frequencies);
  const int64_t pairs = p.dims / 2;
  for (int64_t row = 0; row < count; ++row, angles += p.dims) {
    for (int64_t i = 0; i < pairs; ++i) {
      const double angle = positions[row] * frequencies[i];
      angles[i] = static_cast<float>(magnitude * std::cos(angle));
      angles[pairs + i] = static_cast<float>(magnitude * std::sin(angle));
    }
  }
}

void rope(Isa isa, const Rope& r, float* x, const float* angles, const int32_t* angle_rows,
          Worker& worker) {
  const ElementKernels& kernels = element_kernels(isa);
  const auto rotate =
      r.pairs == RopePairs::Interleaved ? kernels.rotate_interleaved : kernels.rotate_halves;
  const int64_t stride = r.stride != 0 ? r.stride : r.heads * r.head_dim;
  const auto [first, last] = worker.split(r.rows * r.heads);
  for (int64_t i = first; i < last; ++i) {
    const int64_t row = i / r.heads;
    const int64_t angle = angle_rows == nullptr ? row : angle_rows[row];
    rotate(r.dims / 2, angles + angle * r.dims, r.inverse ? -1.0f : 1.0f,
           x + row * stride + i % r.heads * r.head_dim);
  }
}

}  // namespace verge::kernels
