#pragma once
// Loops over levels that stand together: sums, means, largest values, and the way from f32 and
// back. Written once (simd/int8_rows.hpp), compiled for each ISA. Internal to this module.

#include <cstddef>
#include <cstdint>

#include <verge/engine/kernels/conv_int8.hpp>

namespace verge::kernels {

/// An activation: its value is (level - zero) * factor.
struct LevelRow {
  const std::byte* levels = nullptr;
  bool is_signed = false;
  int32_t zero = 0;
  float factor = 1;
};

struct Int8RowKernels {
  /// y = clip(round(x / scale) + zero).
  void (*quantize)(int64_t n, const float* x, float scale, const Requantize& how, std::byte* y);
  void (*dequantize)(int64_t n, const LevelRow& x, float* y);
  /// y = clip(round(a + b) + zero), rounded to f32 once before.
  void (*add)(int64_t n, const LevelRow& a, const LevelRow& b, const Requantize& how, std::byte* y);
  /// y = clip(round(a * b * a's factor) + zero).
  void (*multiply)(int64_t n, const LevelRow& a, const LevelRow& b, const Requantize& how,
                   std::byte* y);
  /// sums += levels.
  void (*accumulate)(int64_t n, const LevelRow& x, int32_t* sums);
  /// y = clip(round((sums - offset) * factor) + zero).
  void (*requantize)(int64_t n, const int32_t* sums, int32_t offset, float factor,
                     const Requantize& how, std::byte* y);
  /// y = max(y, x).
  void (*largest)(int64_t n, const LevelRow& x, std::byte* y);
  /// y = table[x], of 256; y may be x.
  void (*look_up)(int64_t n, const uint8_t* table, const uint8_t* x, uint8_t* y);
};

const Int8RowKernels& int8_row_kernels(Isa isa);

}  // namespace verge::kernels
