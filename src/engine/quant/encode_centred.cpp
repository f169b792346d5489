// Super-blocks whose sub-blocks of 16 have a signed scale and no minimum: Q3_K, Q6_K.

#include <initializer_list>
#include <limits>

#include <verge/engine/quant/block_input.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/each_block.hpp>
#include <verge/engine/quant/encoders.hpp>
#include <verge/engine/quant/fit.hpp>
#include <verge/engine/quant/pack.hpp>

namespace verge::quant {
namespace {

constexpr int kSub = 16;
constexpr int kGroups = kSuperBlock / kSub;

/// x = d * scale * (q - half).
struct CentredBlock {
  uint16_t d;
  int8_t scales[kGroups];
  int8_t q[kSuperBlock];
};

/// The second pass: rounds a sub-block's values against its scale as stored, or a neighbour of it.
void settle(const float* x, const float* w, float d, int half, int scale_half, int8_t& scale,
            int8_t* q) {
  const int nearest = scale;
  float least = std::numeric_limits<float>::infinity();
  for (const int s : {nearest, nearest - 1, nearest + 1}) {
    if (s < -scale_half || s >= scale_half) continue;
    const Affine stored{d * static_cast<float>(s), 0};
    const float error = rounding_error<kSub>(x, w, stored, -half, half - 1);
    if (!(error < least)) continue;
    least = error;
    scale = static_cast<int8_t>(s);
  }
  assign<kSub>(x, {d * static_cast<float>(scale), 0}, -half, half - 1, q);
}

/// Fits each sub-block, rounds their scales to multiples of d, then rounds the values again,
/// against the scales as stored.
CentredBlock fit_super_block(const float* x, const float* importance, int half, int scale_half) {
  BlockInput<kSuperBlock> input(x);
  if (!input.weigh_by(importance)) input.weigh_by_energy();
  float scales[kGroups];
  float weights[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    scales[g] = fit_scale<kSub>(input.x + kSub * g, input.w + kSub * g, -half, half - 1);
    weights[g] = 0;
    for (int i = kSub * g; i < kSub * g + kSub; ++i) weights[g] += input.w[i];
  }
  CentredBlock block;
  const float scale = fit_scale<kGroups>(scales, weights, -scale_half, scale_half - 1);
  const HalfScale d = half_scale(scale, input.exponent);
  block.d = d.bits;
  assign<kGroups>(scales, {d.value, 0}, -scale_half, scale_half - 1, block.scales);
  for (int g = 0; g < kGroups; ++g) {
    settle(input.x + kSub * g, input.w + kSub * g, d.value, half, scale_half, block.scales[g],
           block.q + kSub * g);
  }
  for (int8_t& q : block.q) q = static_cast<int8_t>(q + half);
  return block;
}

}  // namespace

void encode_q3_k(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ3K, kSuperBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    const CentredBlock fit = fit_super_block(input..., 4, 32);
    block.d = fit.d;
    pack_q3k_scales(fit.scales, block.scales);
    pack_pairs(fit.q, block.pairs);
    pack_bit_rows(fit.q, 2, block.high);
  });
}

void encode_q6_k(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ6K, kSuperBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    const CentredBlock fit = fit_super_block(input..., 32, 128);
    block.d = fit.d;
    std::copy_n(fit.scales, kGroups, block.scales);
    pack_q6k(fit.q, block.low, block.high);
  });
}

}  // namespace verge::quant
