// TQ2_0: values in {-d, 0, d}.

#include <functional>

#include <verge/engine/quant/block_input.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/each_block.hpp>
#include <verge/engine/quant/encoders.hpp>
#include <verge/engine/quant/pack.hpp>

namespace verge::quant {
namespace {

/// The d and the threshold of least squared error: if the k largest |x| become +-d, the best d is
/// their mean and the energy it explains is their sum squared over k.
struct Ternary {
  double d = 0;
  float threshold = 0;  // |x| >= threshold becomes +-d
};

Ternary fit_ternary(const float* x) {
  float magnitudes[kSuperBlock];
  for (int i = 0; i < kSuperBlock; ++i) magnitudes[i] = std::abs(x[i]);
  std::sort(magnitudes, magnitudes + kSuperBlock, std::greater<float>());
  Ternary best;
  double sum = 0;
  double best_gain = 0;
  for (int k = 1; k <= kSuperBlock; ++k) {
    sum += magnitudes[k - 1];
    const double gain = sum * sum / k;
    if (gain > best_gain) {
      best_gain = gain;
      best = {sum / k, magnitudes[k - 1]};
    }
  }
  return best;
}

}  // namespace

void encode_tq2_0(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockTq2_0, kSuperBlock>(
      x, blocks, count, importance, [](auto& block, const float* values, const float*) {
        const BlockInput<kSuperBlock> input(values);
        const Ternary fit = fit_ternary(input.x);
        block.d = half_scale(static_cast<float>(fit.d), input.exponent).bits;
        int8_t q[kSuperBlock];
        for (int i = 0; i < kSuperBlock; ++i) {
          const bool large = fit.threshold > 0 && std::abs(input.x[i]) >= fit.threshold;
          q[i] = static_cast<int8_t>(large ? (input.x[i] > 0 ? 2 : 0) : 1);
        }
        pack_pairs(q, block.pairs);
      });
}

}  // namespace verge::quant
