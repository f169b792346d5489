// Blocks of 32 values with one scale: Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL.

#include <verge/engine/quant/block_input.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/each_block.hpp>
#include <verge/engine/quant/encoders.hpp>
#include <verge/engine/quant/fit.hpp>
#include <verge/engine/quant/fit_levels.hpp>

namespace verge::quant {
namespace {

// Without a minimum the range need not reach 0, so the steps are searched on both sides.
constexpr AffineSearch kSearch{.first = -0.9f, .step = 0.05f, .steps = 36, .positive_min = true};

void pack_nibbles(const int8_t* q, uint8_t* nibbles) {
  for (int j = 0; j < 16; ++j) {
    nibbles[j] = static_cast<uint8_t>((q[j] & 15) | (q[j + 16] & 15) << 4);
  }
}

void pack_fifth(const int8_t* q, uint8_t* fifth) {
  for (int i = 0; i < 4; ++i) {
    int bits = 0;
    for (int j = 0; j < 8; ++j) bits |= ((q[8 * i + j] >> 4) & 1) << j;
    fifth[i] = static_cast<uint8_t>(bits);
  }
}

/// Fits x = d * q, -half <= q < half, writes d and returns q + half in `q`.
uint16_t fit_centred(const float* x, const float* importance, int half, int8_t* q) {
  BlockInput<kBlock> input(x);
  if (!input.weigh_by(importance)) input.weigh_by_energy();
  const float scale = fit_scale<kBlock>(input.x, input.w, -half, half - 1);
  const HalfScale d = half_scale(scale, input.exponent);
  assign<kBlock>(input.x, {d.value, 0}, -half, half - 1, q);
  for (int j = 0; j < kBlock; ++j) q[j] = static_cast<int8_t>(q[j] + half);
  return d.bits;
}

struct HalfAffine {
  uint16_t d;
  uint16_t m;
};

/// Fits x = d * q + m, 0 <= q <= levels.
HalfAffine fit_ranged(const float* x, const float* importance, int levels, int8_t* q) {
  BlockInput<kBlock> input(x);
  if (!input.weigh_by(importance)) input.weigh_by_magnitude();
  const Affine fit = fit_affine<kBlock>(input.x, input.w, levels, kSearch);
  const HalfScale d = half_scale(fit.scale, input.exponent);
  const HalfScale m = half_scale(fit.offset, input.exponent);
  assign<kBlock>(input.x, {d.value, m.value}, 0, levels, q);
  return {d.bits, m.bits};
}

}  // namespace

void encode_q4_0(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ4_0, kBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    int8_t q[kBlock];
    block.d = fit_centred(input..., 8, q);
    pack_nibbles(q, block.nibbles);
  });
}

void encode_q5_0(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ5_0, kBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    int8_t q[kBlock];
    block.d = fit_centred(input..., 16, q);
    pack_nibbles(q, block.nibbles);
    pack_fifth(q, block.fifth);
  });
}

void encode_q4_1(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ4_1, kBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    int8_t q[kBlock];
    const HalfAffine fit = fit_ranged(input..., 15, q);
    block.d = fit.d;
    block.m = fit.m;
    pack_nibbles(q, block.nibbles);
  });
}

void encode_q5_1(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ5_1, kBlock>(x, blocks, count, importance, [](auto& block, auto... input) {
    int8_t q[kBlock];
    const HalfAffine fit = fit_ranged(input..., 31, q);
    block.d = fit.d;
    block.m = fit.m;
    pack_nibbles(q, block.nibbles);
    pack_fifth(q, block.fifth);
  });
}

void encode_iq4_nl(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockIq4Nl, kBlock>(
      x, blocks, count, importance, [](auto& block, const float* values, const float* importances) {
        BlockInput<kBlock> input(values);
        if (!input.weigh_by(importances)) input.weigh_by_energy();
        const HalfScale d = half_scale(fit_iq4_scale(input.x, input.w), input.exponent);
        int8_t q[kBlock];
        assign_iq4(input.x, d.value, q);
        block.d = d.bits;
        pack_nibbles(q, block.nibbles);
      });
}

}  // namespace verge::quant
