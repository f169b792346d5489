#pragma once
// Decoding rows of any DType to f32: the definition of what each format means, and the reference
// that kernels are compared with. Thread safe, allocates nothing.
//
//   std::vector<float> row(columns);
//   quant::dequantize_row(DType::Q4_K, blocks, row.data(), columns);

#include <cstdint>

#include <verge/core/dtype.hpp>

namespace verge::quant {

using DequantizeRow = void (*)(const void* blocks, float* out, int64_t count);

/// The decoder of a type; every DType has one. Hold on to it in loops over rows.
DequantizeRow dequantizer(DType dtype);

/// Decodes `count` values, a multiple of the type's block size. `blocks` must be aligned as the
/// block's struct (blocks.hpp) is: 2 bytes, or 4 for Q8_K, or the size of a plain type.
void dequantize_row(DType dtype, const void* blocks, float* out, int64_t count);

}  // namespace verge::quant
