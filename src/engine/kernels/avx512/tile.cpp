#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
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

/// Words (low, high) of the bf16 roundings of two vectors.
VERGE_INLINE __m512i pair_bf16(F32 low, F32 high) {
  const auto even = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(low)));
  const auto odd = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(high)));
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

/// Packs blocks of 64 ks in f32, which stay in L1, and rounds them from there.
void pack_bf16(const float* in, int64_t line_stride, int64_t k_stride, int64_t lines, int64_t k,
               int width, void* packed) {
  constexpr int64_t kBlock = 64;
  alignas(64) float block[(kBlock + 2) * kTileColumns];
  auto* out = static_cast<uint32_t*>(packed);
  for (int64_t first = 0; first < lines; first += width) {
    const int64_t used = lines - first < width ? lines - first : width;
    for (int64_t p = 0; p < k; p += kBlock) {
      const int64_t steps = k - p < kBlock ? k - p : kBlock;
      pack_f32(in + first * line_stride + p * k_stride, line_stride, k_stride, used, steps, width,
               block);
      if (steps % 2 != 0) std::memset(block + steps * width, 0, sizeof(float) * width);
      for (int64_t pair = 0; pair < steps; pair += 2, out += width) {
        const float* low = block + pair * width;
        for_vectors(width, [&](int64_t i, int64_t count) {
          const __m512i words = pair_bf16(load(low + i), load(low + width + i));
          _mm512_mask_storeu_epi32(out + i, static_cast<__mmask16>((1U << count) - 1), words);
        });
      }
    }
  }
}

}  // namespace

const TileKernels kTileF32 = {kRowsOfTile, kTileColumns, 1,
                              4,           pack_f32,     micro_f32_any<kRowsOfTile>};
const TileKernels kTileBf16 = {kRowsOfTile, kTileColumns, 2, 2, pack_bf16, micro_bf16_any};

}  // namespace verge::kernels::avx512
#endif
