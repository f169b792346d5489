#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/avx512/pack.hpp>
#include <verge/engine/kernels/simd/tile.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {
namespace {

constexpr int kRowsOfTile = 12;

// A pair (k, k+1) of one line is one 32-bit word; a step of the micro kernel eats one pair.
template <int Rows>
void micro_bf16(int64_t k, const uint32_t* a, const uint32_t* b, float* c, int64_t c_stride,
                int64_t used_rows, int64_t used_columns, float alpha, float beta) {
  F32 acc[Rows][2] = {};
  for (int64_t p = 0; p < k; p += 2) {
    const auto b0 = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b));
    const auto b1 = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + kLanes));
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const auto ai = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a[i])));
      acc[i][0] =
          reinterpret_cast<F32>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(acc[i][0]), ai, b0));
      acc[i][1] =
          reinterpret_cast<F32>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(acc[i][1]), ai, b1));
    }
    a += kRowsOfTile;
    b += kTileColumns;
  }
  store_tile<Rows>(acc, c, c_stride, used_rows, used_columns, alpha, beta);
}

void micro_bf16_any(int64_t k, const void* a, const void* b, float* c, int64_t c_stride,
                    int64_t used_rows, int64_t used_columns, float alpha, float beta) {
  const auto micro = used_rows > 8 ? micro_bf16<12> : used_rows > 4 ? micro_bf16<8> : micro_bf16<4>;
  micro(k, static_cast<const uint32_t*>(a), static_cast<const uint32_t*>(b), c, c_stride, used_rows,
        used_columns, alpha, beta);
}

}  // namespace

const TileKernels kTileF32 = {kRowsOfTile, kTileColumns,   1,
                              4,           pack<WordsF32>, micro_f32_any<kRowsOfTile>};
const TileKernels kTileBf16 = {kRowsOfTile, kTileColumns, 2, 2, pack<WordsBf16>, micro_bf16_any};

}  // namespace verge::kernels::avx512
#endif
