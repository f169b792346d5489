#pragma once
// Products of levels on 64-bit Arm; neon_dot/ compiles them with dot products of bytes.
//
// Both operands are signed bytes: x less 128. Without dot products two products of bytes are summed
// in 16 bits, x less 128 times one weight minus (127 - x) times the other, which is at most
// 128 * 128 + 127 * 128 = 32640; the sum of two products of (x - 128) could be 32768.

#include <verge/engine/kernels/neon/int8_finish.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels::VERGE_ISA {
namespace {

constexpr int kQuadBytes = 4 * kPanelOutputs;
constexpr int kPixels = 4;  // whose sums are in half of the registers

VERGE_INLINE int8x16_t flipped(uint8x16_t x, uint32_t flips) {
  return vreinterpretq_s8_u8(veorq_u8(x, vreinterpretq_u8_u32(vdupq_n_u32(flips))));
}
VERGE_INLINE int8x16_t load_levels(const uint8_t* x, uint32_t flips) {
  return flipped(vld1q_u8(x), flips);
}
VERGE_INLINE int8x16_t load_quad(const uint8_t* x, uint32_t flips) {
  uint32_t quad;
  __builtin_memcpy(&quad, x, sizeof quad);
  return flipped(vreinterpretq_u8_u32(vdupq_n_u32(quad)), flips);
}
VERGE_INLINE int8x16_t load_weights(const std::byte* w) {
  return vld1q_s8(reinterpret_cast<const int8_t*>(w));
}

/// a * wa - b * wb of 16 bytes, in halves of eight.
struct Difference {
  int16x8_t low, high;
  VERGE_INLINE Difference(int8x16_t a, int8x16_t wa, int8x16_t b, int8x16_t wb)
      : low(vmlsl_s8(vmull_s8(vget_low_s8(a), vget_low_s8(wa)), vget_low_s8(b), vget_low_s8(wb))),
        high(vmlsl_high_s8(vmull_high_s8(a, wa), b, wb)) {}
};

#if defined(__ARM_FEATURE_DOTPROD)
constexpr uint32_t kQuadFlips = 0x80808080;  // what makes signed bytes of a quad's

/// Adds the products of quad kQuad of x.
template <int kQuad>
VERGE_INLINE void add_quad(int8x16_t x, const int8x16_t (&w)[kParts], int32x4_t (&sums)[kParts]) {
#pragma GCC unroll 4
  for (int v = 0; v < kParts; ++v) sums[v] = vdotq_laneq_s32(sums[v], w[v], x, kQuad);
}
#else
constexpr uint32_t kQuadFlips = 0x7F7F8080;

// The first two bytes of each output, then the others.
void pack_quad(const int8_t (*weights)[4], std::byte* panel) {
  auto* to = reinterpret_cast<int8_t*>(panel);
  for (int64_t o = 0; o < kPanelOutputs; ++o) {
    for (int64_t i = 0; i < 4; ++i) to[i / 2 * 2 * kPanelOutputs + 2 * o + i % 2] = weights[o][i];
  }
}

// Behind its quads a panel has the sums of the weights that are multiplied with 127 - x.
void finish_panel(int64_t quads, std::byte* panel) {
  int32_t sums[kPanelOutputs] = {};
  const auto* w = reinterpret_cast<const int8_t*>(panel) + kQuadBytes / 2;
  for (int64_t q = 0; q < quads; ++q, w += kQuadBytes) {
    for (int64_t o = 0; o < kPanelOutputs; ++o) sums[o] += w[2 * o] + w[2 * o + 1];
  }
  __builtin_memcpy(panel + quads * kQuadBytes, sums, sizeof sums);
}

template <int kQuad>
VERGE_INLINE void add_quad(int8x16_t x, const int8x16_t (&w)[kParts], int32x4_t (&sums)[kParts]) {
  const int16x8_t pairs = vreinterpretq_s16_s8(x);
  const int8x16_t a = vreinterpretq_s8_s16(vdupq_laneq_s16(pairs, 2 * kQuad));
  const int8x16_t b = vreinterpretq_s8_s16(vdupq_laneq_s16(pairs, 2 * kQuad + 1));
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    const Difference products(a, w[half], b, w[2 + half]);
    sums[2 * half] = vpadalq_s16(sums[2 * half], products.low);
    sums[2 * half + 1] = vpadalq_s16(sums[2 * half + 1], products.high);
  }
}
#endif

/// Quad kQuad of each pixel.
template <int kQuad, int kCount>
VERGE_INLINE void add_quads(const int8x16_t (&x)[kCount], const std::byte* w,
                            int32x4_t (&sums)[kCount][kParts]) {
  int8x16_t weights[kParts];
#pragma GCC unroll 4
  for (int v = 0; v < kParts; ++v) weights[v] = load_weights(w + 16 * v);
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) add_quad<kQuad>(x[p], weights, sums[p]);
}

template <int kCount>
[[gnu::noinline]] void multiply_pixels(const Int8Tile& tile, const Finish& finish,
                                       int64_t first_pixel, int64_t first) {
  const uint8_t* const* pixels = tile.pixels + first_pixel;
  int32x4_t sums[kCount][kParts];
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) {
    for (int v = 0; v < kParts; ++v) sums[p][v] = finish.addend[v];
  }
  const std::byte* w = tile.weights + first / kPanelOutputs * tile.panel_bytes;
  for (int64_t t = 0; t < tile.tap_count; ++t) {
    int64_t at = tile.taps[t], quads = tile.quads;
    int8x16_t x[kCount];
    for (; quads >= 4; quads -= 4, at += 16, w += 4 * kQuadBytes) {
#pragma GCC unroll 8
      for (int p = 0; p < kCount; ++p) x[p] = load_levels(pixels[p] + at, kQuadFlips);
      add_quads<0>(x, w, sums);
      add_quads<1>(x, w + kQuadBytes, sums);
      add_quads<2>(x, w + 2 * kQuadBytes, sums);
      add_quads<3>(x, w + 3 * kQuadBytes, sums);
    }
    for (; quads > 0; --quads, at += 4, w += kQuadBytes) {
#pragma GCC unroll 8
      for (int p = 0; p < kCount; ++p) x[p] = load_quad(pixels[p] + at, kQuadFlips);
      add_quads<0>(x, w, sums);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) put(tile.out, finish, first_pixel + p, first, sums[p]);
}

/// Calls run.operator()<n>(first pixel) for all of `count` pixels, n at a time.
template <typename Run>
VERGE_INLINE void by_pixels(int64_t count, Run run) {
  int64_t at = 0;
  for (; count - at >= kPixels; at += kPixels) run.template operator()<kPixels>(at);
  for (; count - at >= 2; at += 2) run.template operator()<2>(at);
  if (at < count) run.template operator()<1>(at);
}

void multiply(const Int8Tile& tile) {
  for (int64_t first = 0; first < tile.out.outputs; first += kPanelOutputs) {
    const int32_t* taken = nullptr;
#if !defined(__ARM_FEATURE_DOTPROD)
    const std::byte* panel = tile.weights + first / kPanelOutputs * tile.panel_bytes;
    taken =
        reinterpret_cast<const int32_t*>(panel + tile.tap_count * tile.quads * int64_t{kQuadBytes});
#endif
    const Finish finish(tile.out, first, taken);
    by_pixels(tile.count, [&]<int kCount>(int64_t pixel) {
      multiply_pixels<kCount>(tile, finish, pixel, first);
    });
  }
}

/// 16 channels from `channel` on: even taps with x - 128, odd ones with 127 - x.
template <int kCount>
[[gnu::noinline]] void filter_pixels(const DepthwiseInt8& row, const Finish& finish,
                                     int64_t first_pixel, int64_t channel) {
  const uint8_t* pixels = row.pixels + first_pixel * row.step + channel;
  const std::byte* w = row.weights + channel;
  int32x4_t sums[kCount][kParts];
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) {
    for (int v = 0; v < kParts; ++v) sums[p][v] = finish.addend[v];
  }
  for (int64_t t = 0; t < row.tap_count; t += 2, w += 2 * kDepthwiseBlock) {
    const int8x16_t wa = load_weights(w), wb = load_weights(w + kDepthwiseBlock);
#pragma GCC unroll 8
    for (int p = 0; p < kCount; ++p) {
      const uint8_t* pixel = pixels + p * row.step;
      const Difference products(load_levels(pixel + row.taps[t], 0x80808080), wa,
                                load_levels(pixel + row.taps[t + 1], 0x7F7F7F7F), wb);
      sums[p][0] = vaddw_s16(sums[p][0], vget_low_s16(products.low));
      sums[p][1] = vaddw_high_s16(sums[p][1], products.low);
      sums[p][2] = vaddw_s16(sums[p][2], vget_low_s16(products.high));
      sums[p][3] = vaddw_high_s16(sums[p][3], products.high);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) put(row.out, finish, first_pixel + p, channel, sums[p]);
}

void filter(const DepthwiseInt8& row) {
  const int64_t channels = std::min(kDepthwiseBlock, row.out.outputs);
  for (int64_t channel = 0; channel < channels; channel += kPanelOutputs) {
    int32_t taken[kPanelOutputs] = {};
    for (int64_t t = 1; t < row.tap_count; t += 2) {
      const auto* w = reinterpret_cast<const int8_t*>(row.weights + t * kDepthwiseBlock + channel);
      for (int64_t i = 0; i < kPanelOutputs; ++i) taken[i] += w[i];
    }
    const Finish finish(row.out, channel, taken);
    by_pixels(row.count, [&]<int kCount>(int64_t pixel) {
      filter_pixels<kCount>(row, finish, pixel, channel);
    });
  }
}

}  // namespace

const Int8Kernels kInt8 = {.quad_bytes = kQuadBytes,
#if defined(__ARM_FEATURE_DOTPROD)
                           .pack_quad = pack_quad_plain,
#else
                           .pack_quad = pack_quad,
                           .tail_bytes = 4 * kPanelOutputs,
                           .finish_panel = finish_panel,
#endif
                           .multiply = multiply,
                           .depthwise_tap_bytes = kDepthwiseBlock,
                           .pack_depthwise = pack_depthwise_plain,
                           .filter = filter};

}  // namespace verge::kernels::VERGE_ISA
