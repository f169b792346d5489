// Eight-bit blocks, of weights and of activations: Q8_0, Q8_1, Q8_K. The step is so fine that a
// search gains nothing: the largest |x| becomes 127.

#include <verge/engine/quant/block_input.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/each_block.hpp>
#include <verge/engine/quant/encoders.hpp>
#include <verge/engine/quant/fit.hpp>

namespace verge::quant {
namespace {

constexpr int kLevels = 127;
constexpr float kLargestScale = 0x1.0204p121f;  // times 127 is still finite

template <int N>
float byte_scale(const float* x) {
  float peak = 0;
  for (int i = 0; i < N; ++i) peak = std::max(peak, std::abs(x[i]));
  return peak / kLevels;
}

uint16_t fit_bytes(const float* x, int8_t* q) {
  const BlockInput<kBlock> input(x);
  const HalfScale d = half_scale(byte_scale<kBlock>(input.x), input.exponent);
  assign<kBlock>(input.x, {d.value, 0}, -kLevels, kLevels, q);
  return d.bits;
}

}  // namespace

void encode_q8_0(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ8_0, kBlock>(
      x, blocks, count, importance,
      [](auto& block, const float* values, const float*) { block.d = fit_bytes(values, block.q); });
}

void encode_q8_1(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ8_1, kBlock>(
      x, blocks, count, importance, [](auto& block, const float* values, const float*) {
        block.d = fit_bytes(values, block.q);
        int sum = 0;
        for (const int8_t q : block.q) sum += q;
        block.s = f32_to_f16(f16_to_f32(block.d) * static_cast<float>(sum));
      });
}

void encode_q8_k(const float* x, void* blocks, int64_t count, const float* importance) {
  fill_blocks<BlockQ8K, kSuperBlock>(
      x, blocks, count, importance, [](auto& block, const float* values, const float*) {
        const BlockInput<kSuperBlock> input(values);
        const float scale = byte_scale<kSuperBlock>(input.x);
        block.d = std::min(std::ldexp(scale, input.exponent), kLargestScale);
        assign<kSuperBlock>(input.x, {scale, 0}, -kLevels, kLevels, block.q);
        for (int g = 0; g < 16; ++g) {
          int sum = 0;
          for (int i = 0; i < 16; ++i) sum += block.q[16 * g + i];
          block.sums[g] = static_cast<int16_t>(sum);
        }
      });
}

}  // namespace verge::quant
