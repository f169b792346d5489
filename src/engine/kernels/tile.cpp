#include <algorithm>

#include <verge/engine/kernels/tables.hpp>
#include <verge/engine/kernels/tile.hpp>

namespace verge::kernels {

const TileKernels& tile_f32(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kTileF32;
  if (isa == Isa::Avx2) return avx2::kTileF32;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kTileF32;
#endif
  (void)isa;
  return generic::kTileF32;
}

const TileKernels& tile_bf16(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::Avx512Bf16) return avx512_bf16::kTileBf16;
#endif
  return tile_f32(isa);
}

void multiply_packed(const TileKernels& tile, int64_t rows, int64_t columns, int64_t k,
                     const void* a, const void* b, float* c, int64_t c_stride, float alpha,
                     float beta) {
  const int64_t steps = tile.padded(k);
  const int64_t a_panel = tile.rows * steps * tile.element_bytes;
  const int64_t b_panel = tile.columns * steps * tile.element_bytes;
  const auto* b_bytes = static_cast<const std::byte*>(b);
  for (int64_t j = 0; j < columns; j += tile.columns, b_bytes += b_panel) {
    const auto* a_bytes = static_cast<const std::byte*>(a);
    const int64_t used_columns = std::min<int64_t>(tile.columns, columns - j);
    for (int64_t i = 0; i < rows; i += tile.rows, a_bytes += a_panel) {
      tile.micro(steps, a_bytes, b_bytes, c + i * c_stride + j, c_stride,
                 std::min<int64_t>(tile.rows, rows - i), used_columns, alpha, beta);
    }
  }
}

}  // namespace verge::kernels
