#pragma once
// The inner interface of the matrix products: what generic/, avx2/, avx512/ and avx512_bf16/
// implement, and the form of activations that they share. Internal to the kernels. Plain data only:
// the ISA folders must not instantiate templates or inline functions of others.

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/engine/kernels/gemm.hpp>

namespace verge::kernels {

/// 32 quantized activations of one token: x = d * q.
struct ActivationBlock {
  int8_t q[32];
  float d;
  float sum;               // of q, for weights with a minimum
  int32_t correction;      // -128 * sum of q: shifted right, it takes the zero point off
  int32_t correction_low;  // the same of the first 16 values, for weights with a scale per 16
};

/// More tokens are taken in several tiles: what 512 columns of them are prepared to stays in the
/// second-level cache while the weights of a tile are unpacked once for all.
inline constexpr int kTileTokens = 256;
inline constexpr int kTileGroups = 2;

/// out[token][16 * groups] = weights * activations, for one or two row groups.
struct ProductTile {
  DType dtype;
  const uint8_t* weights;
  int64_t weight_stride;  // bytes from one group to the next
  int groups;             // 1 or 2
  int64_t cols;
  const uint8_t* activations;
  int64_t activation_stride;  // bytes from one token to the next
  int tokens;                 // 1 to kTileTokens
  float* out;
};

/// Types whose values are no blocks, and whose activations are no bytes.
constexpr bool is_plain(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

/// One table an Isa.
struct ProductFunctions {
  void (*product_tile)(const ProductTile& tile);
  /// y[i] = f(gate[i]) * y[i]; f is Silu or GeluTanh, count a multiple of 16.
  void (*gate_multiply)(Activation f, const float* gate, float* y, int64_t count);
  /// cols / 32 blocks from cols floats.
  void (*quantize_row)(const float* x, int64_t cols, ActivationBlock* out);
  void (*round_row_to_bf16)(const float* x, int64_t cols, uint16_t* out);
};

namespace generic {
extern const ProductFunctions kProductFunctions;
}
namespace avx2 {
extern const ProductFunctions kProductFunctions;
}
namespace avx512 {
extern const ProductFunctions kProductFunctions;
}
namespace avx512_bf16 {
extern const ProductFunctions kProductFunctions;
}
namespace neon {
extern const ProductFunctions kProductFunctions;
}
namespace neon_dot {
extern const ProductFunctions kProductFunctions;
}

}  // namespace verge::kernels
