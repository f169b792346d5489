// Portable matrix products: rows are decoded by engine/quant, so this is the oracle of the others.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <verge/engine/kernels/packed_layout.hpp>
#include <verge/engine/kernels/product_tile.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::kernels::generic {
namespace {

constexpr int kChunk = 256;

// Columns [col, col + count) of a row group as floats, the 16 rows side by side.
void decode_group(const PackedLayout& layout, const uint8_t* group, int64_t col, int count,
                  float (*weights)[kGroupRows]) {
  const auto dequantize = quant::dequantizer(layout.dtype);
  alignas(8) uint8_t native[kMaxBlockBytes];
  float values[kChunk];
  for (int row = 0; row < kGroupRows; ++row) {
    for (int at = 0; at < count; at += layout.block_size) {
      const int64_t block = (col + at) / layout.block_size;
      unpack_block(layout, group + block * layout.group_bytes(), row, native);
      dequantize(native, values + at, layout.block_size);
    }
    for (int k = 0; k < count; ++k) weights[k][row] = values[k];
  }
}

// Columns [col, col + count) of a token as floats.
void decode_activations(DType weights, const uint8_t* token, int64_t col, int count, float* x) {
  if (weights == DType::F32 || weights == DType::F16) {
    std::memcpy(x, token + col * sizeof(float), count * sizeof(float));
  } else if (weights == DType::BF16) {
    const auto* bits = reinterpret_cast<const uint16_t*>(token) + col;
    for (int k = 0; k < count; ++k) x[k] = bf16_to_f32(bits[k]);
  } else {
    const auto* block = reinterpret_cast<const ActivationBlock*>(token) + col / 32;
    for (int k = 0; k < count; ++k) {
      x[k] = block[k / 32].d * static_cast<float>(block[k / 32].q[k % 32]);
    }
  }
}

void product_tile(const ProductTile& tile) {
  const PackedLayout& layout = layout_of(tile.dtype);
  const int width = tile.groups * kGroupRows;
  std::fill_n(tile.out, tile.tokens * width, 0.0f);
  float weights[kChunk][kGroupRows];
  float x[kChunk];
  for (int group = 0; group < tile.groups; ++group) {
    for (int64_t col = 0; col < tile.cols; col += kChunk) {
      const int count = static_cast<int>(std::min<int64_t>(kChunk, tile.cols - col));
      decode_group(layout, tile.weights + group * tile.weight_stride, col, count, weights);
      for (int token = 0; token < tile.tokens; ++token) {
        decode_activations(tile.dtype, tile.activations + token * tile.activation_stride, col,
                           count, x);
        float sums[kGroupRows] = {};
        for (int k = 0; k < count; ++k) {
          for (int row = 0; row < kGroupRows; ++row) sums[row] += weights[k][row] * x[k];
        }
        float* out = tile.out + token * width + group * kGroupRows;
        for (int row = 0; row < kGroupRows; ++row) out[row] += sums[row];
      }
    }
  }
}

void gate_multiply(Activation f, const float* gate, float* y, int64_t count) {
  constexpr float kSqrt2OverPi = 0.797884561f;
  for (int64_t i = 0; i < count; ++i) {
    const float g = gate[i];
    y[i] *= f == Activation::Silu
                ? g / (1.0f + std::exp(-g))
                : 0.5f * g * (1.0f + std::tanh(kSqrt2OverPi * (g + 0.044715f * g * g * g)));
  }
}

void quantize_block(const float* x, ActivationBlock& out) {
  float largest = 0.0f;
  bool finite = true;
  for (int i = 0; i < 32; ++i) {
    largest = std::max(largest, std::fabs(x[i]));
    finite = finite && std::fabs(x[i]) <= std::numeric_limits<float>::max();
  }
  const float inverse = finite && largest > 0.0f ? 127.0f / largest : 0.0f;
  int32_t sums[2] = {};
  for (int i = 0; i < 32; ++i) {
    // Adding 1.5 * 2^23 rounds to nearest even and leaves the integer in the low bits.
    const float shifted = (finite ? x[i] : 0.0f) * inverse + 0x1.8p23f;
    out.q[i] = static_cast<int8_t>(std::bit_cast<uint32_t>(shifted) & 0xff);
    sums[i / 16] += out.q[i];
  }
  out.d = finite ? largest / 127.0f : std::numeric_limits<float>::quiet_NaN();
  out.sum = static_cast<float>(sums[0] + sums[1]);
  out.correction = -128 * (sums[0] + sums[1]);
  out.correction_low = -128 * sums[0];
}

void quantize_row(const float* x, int64_t cols, ActivationBlock* out) {
  for (int64_t block = 0; block < cols / 32; ++block) quantize_block(x + 32 * block, out[block]);
}

void round_row_to_bf16(const float* x, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; ++i) out[i] = f32_to_bf16(x[i]);
}

}  // namespace

const ProductFunctions kProductFunctions = {product_tile, gate_multiply, quantize_row,
                                            round_row_to_bf16};

}  // namespace verge::kernels::generic
