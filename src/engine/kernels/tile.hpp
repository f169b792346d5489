#pragma once
// TileKernels: what matrix products are made of, one table per instruction set and precision.
// Both operands are first packed into panels: `rows` of A (or `columns` of B) side by side for one
// k, zero padded; then micro() multiplies one panel of A with one of B. gemm.cpp, attention.cpp and
// conv.cpp are the loops around it (Goto & van de Geijn 2008; Van Zee & van de Geijn 2015).

#include <cstdint>

#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

struct TileKernels {
  int rows;  // of C in one micro tile
  int columns;
  int k_grain;        // packed k is padded to this: 1, or 2 where a step eats a pair
  int element_bytes;  // of a packed value

  /// Packs panels of `width` lines: out[panel][k][line] = in[line * line_stride + k * k_stride],
  /// zero for lines and ks out of range. One of the strides should be 1.
  void (*pack)(const float* in, int64_t line_stride, int64_t k_stride, int64_t lines, int64_t k,
               int width, void* out);

  /// c[i][j] = alpha * sum_k a[k][i] * b[k][j] + beta * c[i][j] for i < used_rows, j <
  /// used_columns. a and b are packed panels of k (padded) steps. beta = 0 does not read c.
  void (*micro)(int64_t k, const void* a, const void* b, float* c, int64_t c_stride,
                int64_t used_rows, int64_t used_columns, float alpha, float beta);

  int64_t padded(int64_t k) const { return (k + k_grain - 1) / k_grain * k_grain; }
  /// Bytes of the packed panels of `lines` x `k` for panels of `width` lines.
  int64_t packed_bytes(int64_t lines, int64_t k, int width) const {
    return (lines + width - 1) / width * width * padded(k) * element_bytes;
  }
};

/// f32 products: every instruction set has them.
const TileKernels& tile_f32(Isa isa);
/// Inputs rounded to bf16 while they are packed, sums in f32. Where the instruction set has no bf16
/// product this is tile_f32.
const TileKernels& tile_bf16(Isa isa);

inline const TileKernels& tile_of(Isa isa, Compute compute) {
  return compute == Compute::Bf16 ? tile_bf16(isa) : tile_f32(isa);
}

/// C[rows, columns] = alpha * A B + beta * C for packed A and B of one k block.
void multiply_packed(const TileKernels& tile, int64_t rows, int64_t columns, int64_t k,
                     const void* a, const void* b, float* c, int64_t c_stride, float alpha,
                     float beta);

}  // namespace verge::kernels
