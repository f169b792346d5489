// Super-blocks whose sub-blocks have a scale and a minimum: Q2_K, Q4_K, Q5_K.

#include <verge/engine/quant/block_input.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/each_block.hpp>
#include <verge/engine/quant/encoders.hpp>
#include <verge/engine/quant/fit.hpp>
#include <verge/engine/quant/pack.hpp>

namespace verge::quant {
namespace {

constexpr AffineSearch kWithImportance{.first = -0.9f, .step = 0.05f, .steps = 36};

struct Format {
  int levels;        // of a value
  int scale_levels;  // of a sub-block's scale and min
  AffineSearch search;
};
constexpr Format kQ2{3, 15, {.first = -0.5f, .step = 0.1f, .steps = 15, .absolute = true}};
constexpr Format kQ4{15, 63, {.first = -1.0f, .step = 0.1f, .steps = 20}};
constexpr Format kQ5{31, 63, {.first = -0.5f, .step = 0.1f, .steps = 15}};

/// x = d * scale * q - dmin * min, `Sub` values a sub-block.
template <int Sub>
struct SuperBlock {
  static constexpr int kGroups = kSuperBlock / Sub;
  uint16_t d;
  uint16_t dmin;
  int8_t scales[kGroups];
  int8_t mins[kGroups];
  int8_t q[kSuperBlock];
};

/// Fits each sub-block, rounds their scales and mins to multiples of d and dmin, then rounds the
/// values again, against the scales as stored: without that second pass the errors of the scales
/// add to those of the values.
template <int Sub>
SuperBlock<Sub> fit_super_block(const float* x, const float* importance, const Format& format) {
  constexpr int kGroups = SuperBlock<Sub>::kGroups;
  BlockInput<kSuperBlock> input(x);
  const bool weighted = input.weigh_by(importance);
  if (!weighted) input.weigh_by_magnitude(Sub);
  float scales[kGroups];
  float mins[kGroups];
  float weights[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    const Affine fit = fit_affine<Sub>(input.x + Sub * g, input.w + Sub * g, format.levels,
                                       weighted ? kWithImportance : format.search);
    scales[g] = fit.scale;
    mins[g] = -fit.offset;
    weights[g] = 0;
    for (int i = Sub * g; i < Sub * g + Sub; ++i) weights[g] += input.w[i];
  }
  SuperBlock<Sub> block;
  const int top = format.scale_levels;
  const HalfScale d = half_scale(fit_scale<kGroups>(scales, weights, 0, top), input.exponent);
  const HalfScale dmin = half_scale(fit_scale<kGroups>(mins, weights, 0, top), input.exponent);
  block.d = d.bits;
  block.dmin = dmin.bits;
  assign<kGroups>(scales, {d.value, 0}, 0, top, block.scales);
  assign<kGroups>(mins, {dmin.value, 0}, 0, top, block.mins);
  for (int g = 0; g < kGroups; ++g) {
    const Affine stored{d.value * static_cast<float>(block.scales[g]),
                        -dmin.value * static_cast<float>(block.mins[g])};
    assign<Sub>(input.x + Sub * g, stored, 0, format.levels, block.q + Sub * g);
  }
  return block;
}

}  // namespace

void encode_q2_k(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ2K, kSuperBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    const SuperBlock<16> fit = fit_super_block<16>(input..., kQ2);
    block.d = fit.d;
    block.dmin = fit.dmin;
    for (int g = 0; g < 16; ++g) {
      block.scales[g] = static_cast<uint8_t>(fit.scales[g] | fit.mins[g] << 4);
    }
    pack_pairs(fit.q, block.pairs);
  });
}

void encode_q4_k(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ4K, kSuperBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    const SuperBlock<32> fit = fit_super_block<32>(input..., kQ4);
    block.d = fit.d;
    block.dmin = fit.dmin;
    pack_scale_min(fit.scales, fit.mins, block.scales);
    pack_nibble_rows(fit.q, block.nibbles);
  });
}

void encode_q5_k(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ5K, kSuperBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    const SuperBlock<32> fit = fit_super_block<32>(input..., kQ5);
    block.d = fit.d;
    block.dmin = fit.dmin;
    pack_scale_min(fit.scales, fit.mins, block.scales);
    pack_nibble_rows(fit.q, block.nibbles);
    pack_bit_rows(fit.q, 4, block.fifth);
  });
}

}  // namespace verge::quant
