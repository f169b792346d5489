// Products of levels by vpdpbusd: four products of an unsigned and a signed byte a lane.

#include <immintrin.h>

#include <verge/engine/kernels/simd/int8_plain.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::avx512 {
namespace {

__m512i load(const void* from) {
  return _mm512_loadu_si512(from);
}

/// What becomes of the sums of 16 outputs.
struct Finish {
  __m512i addend;
  __m512 multiplier;
  __mmask16 mask;

  Finish(const Int8Out& out, int64_t first) {
    const int64_t left = out.outputs > first ? out.outputs - first : 0;
    mask = left >= 16 ? static_cast<__mmask16>(0xFFFF) : static_cast<__mmask16>((1u << left) - 1);
    const __m512i sums = _mm512_maskz_loadu_epi32(mask, out.sums + first);
    const __m512i bias = out.how.bias == nullptr
                             ? _mm512_setzero_si512()
                             : _mm512_maskz_loadu_epi32(mask, out.how.bias + first);
    addend = _mm512_sub_epi32(bias, _mm512_mullo_epi32(sums, _mm512_set1_epi32(out.x_zero)));
    multiplier = _mm512_maskz_loadu_ps(mask, out.how.multiplier + first);
  }
  /// Of a sum that began with the addend.
  __m512 real(__m512i sum) const { return _mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier); }
};

constexpr int kParts = 4;  // vectors of 16 sums in a store of 64 levels

/// What 64 products become: saturating packs do most of the clip.
struct LevelPack {
  __m512 most;
  __m512i zero, low, high;
  bool is_signed;

  explicit LevelPack(const Requantize& how)
      : most(_mm512_set1_ps(how.most)),
        zero(_mm512_set1_epi16(static_cast<int16_t>(how.zero))),
        low(_mm512_set1_epi8(static_cast<char>(static_cast<int>(how.least) + how.zero))),
        high(_mm512_set1_epi8(static_cast<char>(static_cast<int>(how.most) + how.zero))),
        is_signed(how.to == DType::I8) {}

  /// In the order of vpackss: of each four lanes those of all parts together.
  __m512i operator()(const __m512 (&reals)[kParts]) const {
    __m512i whole[kParts];
    for (int i = 0; i < kParts; ++i) whole[i] = _mm512_cvtps_epi32(_mm512_min_ps(reals[i], most));
    const __m512i a = _mm512_adds_epi16(_mm512_packs_epi32(whole[0], whole[1]), zero);
    const __m512i b = _mm512_adds_epi16(_mm512_packs_epi32(whole[2], whole[3]), zero);
    if (is_signed) {
      return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(a, b), low), high);
    }
    return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(a, b), low), high);
  }
};

/// The parts one after the other.
__m512i in_order(__m512i packed) {
  const __m512i places = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(places, packed);
}

template <int kPanels>
void store_levels(std::byte* to, __m512i levels, int64_t count) {
  if (count >= 16 * kPanels && kPanels == 4) return _mm512_storeu_si512(to, levels);
  if (count >= 16 * kPanels && kPanels == 2) {
    return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(levels));
  }
  if (count >= 16 * kPanels && kPanels == 1) {
    return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_castsi512_si128(levels));
  }
  const int64_t all = count < 16 * kPanels ? count : 16 * kPanels;
  _mm512_mask_storeu_epi8(to, all == 64 ? ~uint64_t{0} : (uint64_t{1} << all) - 1, levels);
}

/// Of `count` outputs from the first of kPanels panels on.
template <int kPanels>
void put(const Int8Out& out, const Finish* finish, const LevelPack& pack, int64_t pixel,
         int64_t first, const __m512i* sums) {
  std::byte* to = out.y + pixel * out.pixel_bytes;
  __m512 reals[kParts];
  for (int n = 0; n < kParts; ++n) {
    reals[n] = n < kPanels ? finish[n].real(sums[n]) : _mm512_setzero_ps();
  }
  if (out.how.to == DType::F32) {
    for (int n = 0; n < kPanels; ++n) {
      float* line = reinterpret_cast<float*>(to) + first + n * kPanelOutputs;
      _mm512_mask_storeu_ps(line, finish[n].mask, reals[n]);
    }
    return;
  }
  store_levels<kPanels>(to + first, in_order(pack(reals)), out.outputs - first);
}

template <int kPixels, int kPanels>
void multiply_block(const Int8Tile& tile, const Finish* finish, const LevelPack& pack,
                    int64_t first_pixel, int64_t count, int64_t first) {
  const uint8_t* pixels[kPixels];
  for (int p = 0; p < kPixels; ++p) {
    pixels[p] = tile.pixels[first_pixel + std::min<int64_t>(p, count - 1)];
  }
  __m512i sums[kPixels][kPanels];
  for (int n = 0; n < kPanels; ++n) {
    for (int p = 0; p < kPixels; ++p) sums[p][n] = finish[n].addend;
  }
  const std::byte* w = tile.weights + first / kPanelOutputs * tile.panel_bytes;
  for (int64_t t = 0; t < tile.tap_count; ++t) {
    const int64_t begin = tile.taps[t], end = begin + 4 * tile.quads;
    for (int64_t at = begin; at < end; at += 4, w += 64) {
      __m512i weights[kPanels];
      for (int n = 0; n < kPanels; ++n) weights[n] = load(w + n * tile.panel_bytes);
      for (int p = 0; p < kPixels; ++p) {
        int32_t quad;
        __builtin_memcpy(&quad, pixels[p] + at, sizeof quad);
        const __m512i x = _mm512_set1_epi32(quad);
        for (int n = 0; n < kPanels; ++n) {
          sums[p][n] = _mm512_dpbusd_epi32(sums[p][n], x, weights[n]);
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; ++p) {
    if (p < count) put<kPanels>(tile.out, finish, pack, first_pixel + p, first, sums[p]);
  }
}

template <int kPixels, int kPanels>
void multiply_panels(const Int8Tile& tile, const LevelPack& pack, int64_t first) {
  const Finish finish[4] = {{tile.out, first},
                            {tile.out, first + kPanelOutputs},
                            {tile.out, first + 2 * kPanelOutputs},
                            {tile.out, first + 3 * kPanelOutputs}};
  for (int64_t p = 0; p < tile.count; p += kPixels) {
    multiply_block<kPixels, kPanels>(tile, finish, pack, p,
                                     std::min<int64_t>(kPixels, tile.count - p), first);
  }
}

void multiply(const Int8Tile& tile) {
  const LevelPack pack(tile.out.how);
  int64_t first = 0;
  while (first < tile.out.outputs) {
    const int64_t panels = (tile.out.outputs - first + kPanelOutputs - 1) / kPanelOutputs;
    if (panels >= 6 || panels == 4) {
      multiply_panels<6, 4>(tile, pack, first);
      first += 4 * kPanelOutputs;
    } else if (panels == 5 || panels == 3) {
      multiply_panels<6, 3>(tile, pack, first);
      first += 3 * kPanelOutputs;
    } else if (panels == 2) {
      multiply_panels<12, 2>(tile, pack, first);
      first += 2 * kPanelOutputs;
    } else {
      multiply_panels<12, 1>(tile, pack, first);
      first += kPanelOutputs;
    }
  }
}

/// Channel of a lane after bytes of four taps were joined by vpunpck.
int64_t channel_at(int64_t part, int64_t lane) {
  return lane / 4 * 16 + part * 4 + lane % 4;
}

// For each four taps four vectors, in the order in which vpunpck joins channels.
void pack_depthwise(const int8_t* weights, int64_t taps, std::byte* block) {
  auto* to = reinterpret_cast<int8_t*>(block);
  for (int64_t t = 0; t < taps; t += 4) {
    for (int64_t part = 0; part < kParts; ++part) {
      for (int64_t lane = 0; lane < 16; ++lane) {
        for (int64_t i = 0; i < 4; ++i) *to++ = weights[channel_at(part, lane) * taps + t + i];
      }
    }
  }
}

/// Of 64 channels in the order of pack_depthwise.
struct DepthwiseFinish {
  __m512i addend[kParts];
  __m512 multiplier[kParts];
  uint64_t mask;

  explicit DepthwiseFinish(const Int8Out& out) {
    alignas(64) int32_t addends[kParts][16] = {};
    alignas(64) float factors[kParts][16] = {};
    const int64_t channels = std::min(kDepthwiseBlock, out.outputs);
    for (int64_t i = 0; i < kDepthwiseBlock; ++i) {
      const int64_t part = i / 16, channel = channel_at(part, i % 16);
      if (channel >= channels) continue;
      const uint32_t bias =
          out.how.bias == nullptr ? 0 : static_cast<uint32_t>(out.how.bias[channel]);
      addends[part][i % 16] = static_cast<int32_t>(
          bias - static_cast<uint32_t>(out.x_zero) * static_cast<uint32_t>(out.sums[channel]));
      factors[part][i % 16] = out.how.multiplier[channel];
    }
    for (int part = 0; part < kParts; ++part) {
      addend[part] = load(addends[part]);
      multiplier[part] = _mm512_loadu_ps(factors[part]);
    }
    mask = channels == 64 ? ~uint64_t{0} : (uint64_t{1} << channels) - 1;
  }
};

void put_depthwise(const Int8Out& out, const DepthwiseFinish& finish, const LevelPack& pack,
                   int64_t pixel, const __m512i (&sums)[kParts]) {
  std::byte* to = out.y + pixel * out.pixel_bytes;
  __m512 reals[kParts];
  for (int i = 0; i < kParts; ++i) {
    reals[i] = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[i]), finish.multiplier[i]);
  }
  if (out.how.to == DType::F32) {
    const int64_t channels = std::min(kDepthwiseBlock, out.outputs);
    alignas(64) float values[kParts][16];
    for (int i = 0; i < kParts; ++i) _mm512_store_ps(values[i], reals[i]);
    for (int64_t i = 0; i < kDepthwiseBlock; ++i) {
      const int64_t channel = channel_at(i / 16, i % 16);
      if (channel < channels) reinterpret_cast<float*>(to)[channel] = values[i / 16][i % 16];
    }
    return;
  }
  if (finish.mask == ~uint64_t{0}) {
    _mm512_storeu_si512(to, pack(reals));
  } else {
    _mm512_mask_storeu_epi8(to, finish.mask, pack(reals));
  }
}

/// Adds the products of four taps to the sums of 64 channels.
inline void add_taps(const uint8_t* pixel, const int64_t* taps, const std::byte* w,
                     __m512i (&sums)[kParts]) {
  const __m512i a = load(pixel + taps[0]), b = load(pixel + taps[1]);
  const __m512i c = load(pixel + taps[2]), d = load(pixel + taps[3]);
  const __m512i ab0 = _mm512_unpacklo_epi8(a, b), ab1 = _mm512_unpackhi_epi8(a, b);
  const __m512i cd0 = _mm512_unpacklo_epi8(c, d), cd1 = _mm512_unpackhi_epi8(c, d);
  sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_unpacklo_epi16(ab0, cd0), load(w));
  sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_unpackhi_epi16(ab0, cd0), load(w + 64));
  sums[2] = _mm512_dpbusd_epi32(sums[2], _mm512_unpacklo_epi16(ab1, cd1), load(w + 128));
  sums[3] = _mm512_dpbusd_epi32(sums[3], _mm512_unpackhi_epi16(ab1, cd1), load(w + 192));
}

template <int64_t kTaps>  // 0: as many as there are
void filter_row(const DepthwiseInt8& row, const DepthwiseFinish& finish) {
  const int64_t taps = kTaps == 0 ? row.tap_count : kTaps;  // by four
  const LevelPack pack(row.out.how);
  for (int64_t p = 0; p < row.count; ++p) {
    __m512i sums[kParts];
    for (int i = 0; i < kParts; ++i) sums[i] = finish.addend[i];
    const uint8_t* pixel = row.pixels + p * row.step;
    for (int64_t t = 0; t < taps; t += 4) {
      add_taps(pixel, row.taps + t, row.weights + t * kDepthwiseBlock, sums);
    }
    put_depthwise(row.out, finish, pack, p, sums);
  }
}

void filter(const DepthwiseInt8& row) {
  const DepthwiseFinish finish(row.out);
  if (row.tap_count > 8 && row.tap_count <= 12) return filter_row<12>(row, finish);
  filter_row<0>(row, finish);
}

}  // namespace

const Int8Kernels kInt8 = {.quad_bytes = 4 * kPanelOutputs,
                           .pack_quad = pack_quad_plain,
                           .multiply = multiply,
                           .depthwise_tap_bytes = kDepthwiseBlock,
                           .pack_depthwise = pack_depthwise,
                           .filter = filter};

}  // namespace verge::kernels::avx512
