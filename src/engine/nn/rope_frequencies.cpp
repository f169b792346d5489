#include <algorithm>
#include <cmath>
#include <numbers>

#include <verge/engine/nn/config.hpp>

namespace verge::nn {
namespace {

// The pair index at which a full turn happens `turns` times within the original context (YaRN, eq.
// 17).
double pair_of_turns(double turns, const RopeConfig& rope) {
  const double context = static_cast<double>(rope.original_context);
  return static_cast<double>(rope.dims) * std::log(context / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(rope.base));
}

// 1 where YaRN keeps the frequency, 0 where it interpolates, a ramp between.
double yarn_keeps(int64_t pair, const RopeConfig& rope) {
  const double low = std::max(0.0, std::floor(pair_of_turns(rope.yarn_beta_fast, rope)));
  const double high = std::min(static_cast<double>(rope.dims - 1),
                               std::ceil(pair_of_turns(rope.yarn_beta_slow, rope)));
  const double ramp = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
  return 1 - std::clamp(ramp, 0.0, 1.0);
}

}  // namespace

std::vector<float> rope_frequencies(const RopeConfig& rope, bool local, int64_t context) {
  const double base = local && rope.local_base > 0 ? rope.local_base : rope.base;
  const bool scaled = !(local && rope.local_base > 0);
  const bool is_long = context > rope.original_context && !rope.long_divisors.empty();
  const std::vector<float>& divisors = is_long ? rope.long_divisors : rope.divisors;
  std::vector<float> frequencies;
  for (int64_t pair = 0; pair < rope.dims / 2; ++pair) {
    double frequency =
        std::pow(base, -2.0 * static_cast<double>(pair) / static_cast<double>(rope.dims));
    if (!divisors.empty()) frequency /= divisors[static_cast<size_t>(pair)];
    if (scaled && rope.yarn_factor > 1) {
      const double keeps = yarn_keeps(pair, rope);
      frequency *= keeps + (1 - keeps) / rope.yarn_factor;
    } else if (scaled) {
      frequency /= rope.linear_factor;
    }
    frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

double rope_magnitude(const RopeConfig& rope, bool local) {
  if (local && rope.local_base > 0) return 1;
  if (rope.yarn_factor > 1) {
    return rope.yarn_attention_factor * (1 + 0.1 * std::log(rope.yarn_factor));
  }
  return rope.magnitude;
}

}  // namespace verge::nn
