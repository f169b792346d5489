// Super-blocks whose sub-blocks have a scale and a minimum: Q2_K, Q4_K, Q5_K.

#include <initializer_list>
#include <limits>
#include <numeric>

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

/// Scales and mins of all sub-blocks, as real numbers and with the weights of their sub-blocks.
template <int Sub>
struct SubScales {
  float scales[SuperBlock<Sub>::kGroups];
  float mins[SuperBlock<Sub>::kGroups];
  float weights[SuperBlock<Sub>::kGroups];
};

template <int Sub>
SubScales<Sub> fit_sub_blocks(const BlockInput<kSuperBlock>& input, int levels,
                              const AffineSearch& search) {
  SubScales<Sub> result;
  for (int g = 0; g < SuperBlock<Sub>::kGroups; ++g) {
    const float* w = input.w + Sub * g;
    const Affine fit = fit_affine<Sub>(input.x + Sub * g, w, levels, search);
    result.scales[g] = fit.scale;
    result.mins[g] = -fit.offset;
    result.weights[g] = std::accumulate(w, w + Sub, 0.0f);
  }
  return result;
}

/// The second pass: rounds a sub-block's values against its scale and min as stored, trying the
/// neighbours of both. Scale and min depend on each other, so the nearest of each are rarely best.
template <int Sub>
void settle(const float* x, const float* w, Affine unit, const Format& format, int8_t& scale,
            int8_t& min, int8_t* q) {
  const int near_scale = scale;
  const int near_min = min;
  Affine best;
  float least = std::numeric_limits<float>::infinity();
  for (const int s : {near_scale, near_scale - 1, near_scale + 1}) {
    for (const int m : {near_min, near_min - 1, near_min + 1}) {
      if (std::min(s, m) < 0 || std::max(s, m) > format.scale_levels) continue;
      const Affine stored{unit.scale * static_cast<float>(s), -unit.offset * static_cast<float>(m)};
      const float error = rounding_error<Sub>(x, w, stored, 0, format.levels);
      if (!(error < least)) continue;
      least = error;
      best = stored;
      scale = static_cast<int8_t>(s);
      min = static_cast<int8_t>(m);
    }
  }
  assign<Sub>(x, best, 0, format.levels, q);
}

/// Fits each sub-block, rounds their scales and mins to multiples of d and dmin, then rounds the
/// values again, against the scales as stored: without that second pass the errors of the scales
/// add to those of the values.
template <int Sub>
SuperBlock<Sub> fit_super_block(const float* x, const float* importance, const Format& format) {
  constexpr int kGroups = SuperBlock<Sub>::kGroups;
  BlockInput<kSuperBlock> input(x);
  const bool weighted = input.weigh_by(importance);
  if (!weighted) input.weigh_by_magnitude(Sub);
  const auto fits =
      fit_sub_blocks<Sub>(input, format.levels, weighted ? kWithImportance : format.search);
  SuperBlock<Sub> block;
  const int top = format.scale_levels;
  const HalfScale d =
      half_scale(fit_scale<kGroups>(fits.scales, fits.weights, 0, top), input.exponent);
  const HalfScale dmin =
      half_scale(fit_scale<kGroups>(fits.mins, fits.weights, 0, top), input.exponent);
  block.d = d.bits;
  block.dmin = dmin.bits;
  assign<kGroups>(fits.scales, {d.value, 0}, 0, top, block.scales);
  assign<kGroups>(fits.mins, {dmin.value, 0}, 0, top, block.mins);
  for (int g = 0; g < kGroups; ++g) {
    settle<Sub>(input.x + Sub * g, input.w + Sub * g, {d.value, dmin.value}, format,
                block.scales[g], block.mins[g], block.q + Sub * g);
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
