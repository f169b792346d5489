// Products of levels by vpmaddwd: pairs of 16 bits, whose sums cannot overflow as those of
// vpmaddubsw can.

#include <immintrin.h>

#include <verge/engine/kernels/simd/int8_plain.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx2 {
namespace {

constexpr int kPixels = 4;

// Of each quad the even bytes of 16 outputs, then the odd ones, as 16 bits.
void pack_quad(const int8_t (*weights)[4], std::byte* panel) {
  auto* to = reinterpret_cast<int16_t*>(panel);
  for (int64_t o = 0; o < kPanelOutputs; ++o) {
    to[2 * o] = weights[o][0];
    to[2 * o + 1] = weights[o][2];
    to[2 * (kPanelOutputs + o)] = weights[o][1];
    to[2 * (kPanelOutputs + o) + 1] = weights[o][3];
  }
}

void multiply_pixels(const Int8Tile& tile, int64_t first_pixel, int64_t count, int64_t first) {
  const uint8_t* pixels[kPixels];
  for (int p = 0; p < kPixels; ++p) {
    pixels[p] = tile.pixels[first_pixel + std::min<int64_t>(p, count - 1)];
  }
  const __m256i low_bytes = _mm256_set1_epi16(0xFF);
  __m256i sums[kPixels][2];
  for (auto& sum : sums) sum[0] = sum[1] = _mm256_setzero_si256();
  const std::byte* panel = tile.weights + first / kPanelOutputs * tile.panel_bytes;
  const auto* w = reinterpret_cast<const __m256i*>(panel);
  for (int64_t t = 0; t < tile.tap_count; ++t) {
    const int64_t at = tile.taps[t];
    for (int64_t q = 0; q < tile.quads; ++q, w += 4) {
      const __m256i even0 = _mm256_loadu_si256(w), even1 = _mm256_loadu_si256(w + 1);
      const __m256i odd0 = _mm256_loadu_si256(w + 2), odd1 = _mm256_loadu_si256(w + 3);
      for (int p = 0; p < kPixels; ++p) {
        int32_t quad;
        __builtin_memcpy(&quad, pixels[p] + at + 4 * q, sizeof quad);
        const __m256i x = _mm256_set1_epi32(quad);
        const __m256i even = _mm256_and_si256(x, low_bytes), odd = _mm256_srli_epi16(x, 8);
        const __m256i half0 =
            _mm256_add_epi32(_mm256_madd_epi16(even, even0), _mm256_madd_epi16(odd, odd0));
        const __m256i half1 =
            _mm256_add_epi32(_mm256_madd_epi16(even, even1), _mm256_madd_epi16(odd, odd1));
        sums[p][0] = _mm256_add_epi32(sums[p][0], half0);
        sums[p][1] = _mm256_add_epi32(sums[p][1], half1);
      }
    }
  }
  const int64_t outputs = std::min(kPanelOutputs, tile.out.outputs - first);
  for (int64_t p = 0; p < count; ++p) {
    int32_t line[kPanelOutputs];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(line), sums[p][0]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(line + 8), sums[p][1]);
    for (int64_t o = 0; o < outputs; ++o) {
      put_int8_plain(tile.out, first_pixel + p, first + o, line[o]);
    }
  }
}

void multiply(const Int8Tile& tile) {
  for (int64_t first = 0; first < tile.out.outputs; first += kPanelOutputs) {
    for (int64_t p = 0; p < tile.count; p += kPixels) {
      multiply_pixels(tile, p, std::min<int64_t>(kPixels, tile.count - p), first);
    }
  }
}

}  // namespace

const Int8Kernels kInt8 = {.quad_bytes = 8 * kPanelOutputs,
                           .pack_quad = pack_quad,
                           .multiply = multiply,
                           .depthwise_tap_bytes = kDepthwiseBlock,
                           .pack_depthwise = pack_depthwise_plain,
                           .filter = filter_plain};

}  // namespace verge::kernels::avx2
