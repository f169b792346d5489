#if defined(__x86_64__)
#define VERGE_ISA avx512_bf16
#define VERGE_LANES 16
#include <verge/engine/kernels/avx512/pack.hpp>
#include <verge/engine/kernels/simd/tile.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512_bf16 {
namespace {

constexpr int kRowsOfTile = 12;

/// Two bf16 a word, the even k in the low half.
struct WordsBf16 {
  static constexpr int64_t kStep = 2;

  static VERGE_INLINE __m512i along(const float* in, int64_t left) {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(left), in);
    const __m512 high = _mm512_maskz_loadu_ps(first_lanes(left - 16), in + 16);
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
  }
  static VERGE_INLINE __m512i across(const float* in, int64_t k_stride, int64_t left,
                                     __mmask16 lines) {
    const __m512 even = _mm512_maskz_loadu_ps(lines, in);
    const __m512 odd = _mm512_maskz_loadu_ps(left > 1 ? lines : __mmask16{0}, in + k_stride);
    const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    const __m512i words = _mm512_set_epi32(
        0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a, 0x190009, 0x180008, 0x170007,
        0x160006, 0x150005, 0x140004, 0x130003, 0x120002, 0x110001, 0x100000);
    return _mm512_permutexvar_epi16(words, halves);
  }
};

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

const TileKernels kTileBf16 = {kRowsOfTile, kTileColumns, 2, 2, pack<WordsBf16>, micro_bf16_any};

}  // namespace verge::kernels::avx512_bf16
#endif
