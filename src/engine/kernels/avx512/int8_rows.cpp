#include <immintrin.h>

#include <verge/engine/kernels/simd/int8_rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {
namespace {

// Of 32 levels at once: the table in four vectors of pairs, of which a level's half is its place.
void look_up(int64_t n, const uint8_t* table, const uint8_t* x, uint8_t* y) {
  __m512i pairs[4];
  for (int i = 0; i < 4; ++i) pairs[i] = _mm512_loadu_si512(table + 64 * i);
  const __m512i upper_half = _mm512_set1_epi16(128), odd = _mm512_set1_epi16(1);
  for (int64_t i = 0; i < n; i += 32) {
    const int64_t left = n - i;
    const __mmask32 mask = left >= 32 ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
    const __m512i level = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, x + i));
    const __m512i place = _mm512_srli_epi16(level, 1);
    const __m512i pair =
        _mm512_mask_blend_epi16(_mm512_test_epi16_mask(level, upper_half),
                                _mm512_permutex2var_epi16(pairs[0], place, pairs[1]),
                                _mm512_permutex2var_epi16(pairs[2], place, pairs[3]));
    const __m512i shift = _mm512_slli_epi16(_mm512_and_si512(level, odd), 3);
    _mm512_mask_cvtepi16_storeu_epi8(y + i, mask, _mm512_srlv_epi16(pair, shift));
  }
}

}  // namespace

const Int8RowKernels kInt8Rows = with_look_up(kInt8RowLoops, look_up);

}  // namespace verge::kernels::avx512
