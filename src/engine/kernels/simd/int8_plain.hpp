#pragma once
// Products of levels without instructions of their own: loops that compilers turn into vectors of
// the ISA they are compiled for. Static, as all that ISA folders share.

#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/int8_tile.hpp>

namespace verge::kernels {
namespace {

inline void put_int8_plain(const Int8Out& out, int64_t pixel, int64_t output, int32_t sum) {
  const Requantize& how = out.how;
  uint32_t total = static_cast<uint32_t>(sum) -
                   static_cast<uint32_t>(out.x_zero) * static_cast<uint32_t>(out.sums[output]);
  if (how.bias != nullptr) total += static_cast<uint32_t>(how.bias[output]);
  const float real = static_cast<float>(static_cast<int32_t>(total)) * how.multiplier[output];
  std::byte* to = out.y + pixel * out.pixel_bytes;
  if (how.to == DType::F32) {
    reinterpret_cast<float*>(to)[output] = real;
    return;
  }
  const float capped = real < how.most ? real : how.most;  // what is no number, too
  const float level = std::nearbyint(capped > how.least ? capped : how.least);
  to[output] = static_cast<std::byte>(static_cast<int32_t>(level) + how.zero);
}

inline void pack_quad_plain(const int8_t (*weights)[4], std::byte* panel) {
  auto* to = reinterpret_cast<int8_t*>(panel);
  for (int64_t o = 0; o < kPanelOutputs; ++o) std::copy_n(weights[o], 4, to + 4 * o);
}

inline void multiply_plain(const Int8Tile& tile) {
  for (int64_t first = 0; first < tile.out.outputs; first += kPanelOutputs) {
    const std::byte* panel = tile.weights + first / kPanelOutputs * tile.panel_bytes;
    const int64_t outputs = std::min(kPanelOutputs, tile.out.outputs - first);
    for (int64_t p = 0; p < tile.count; ++p) {
      int32_t sums[kPanelOutputs] = {};
      const auto* w = reinterpret_cast<const int8_t*>(panel);
      for (int64_t t = 0; t < tile.tap_count; ++t) {
        const uint8_t* x = tile.pixels[p] + tile.taps[t];
        for (int64_t q = 0; q < tile.quads; ++q, x += 4, w += 4 * kPanelOutputs) {
          for (int64_t o = 0; o < kPanelOutputs; ++o) {
            sums[o] +=
                x[0] * w[4 * o] + x[1] * w[4 * o + 1] + x[2] * w[4 * o + 2] + x[3] * w[4 * o + 3];
          }
        }
      }
      for (int64_t o = 0; o < outputs; ++o) put_int8_plain(tile.out, p, first + o, sums[o]);
    }
  }
}

inline void pack_depthwise_plain(const int8_t* weights, int64_t taps, std::byte* block) {
  auto* to = reinterpret_cast<int8_t*>(block);
  for (int64_t t = 0; t < taps; ++t) {
    for (int64_t c = 0; c < kDepthwiseBlock; ++c)
      to[t * kDepthwiseBlock + c] = weights[c * taps + t];
  }
}

inline void filter_plain(const DepthwiseInt8& row) {
  for (int64_t p = 0; p < row.count; ++p) {
    int32_t sums[kDepthwiseBlock] = {};
    for (int64_t t = 0; t < row.tap_count; ++t) {
      const uint8_t* x = row.pixels + p * row.step + row.taps[t];
      const auto* w = reinterpret_cast<const int8_t*>(row.weights) + t * kDepthwiseBlock;
      for (int64_t c = 0; c < kDepthwiseBlock; ++c) sums[c] += int32_t{x[c]} * w[c];
    }
    const int64_t channels = std::min(kDepthwiseBlock, row.out.outputs);
    for (int64_t c = 0; c < channels; ++c) put_int8_plain(row.out, p, c, sums[c]);
  }
}

inline constexpr Int8Kernels kPlainInt8 = {.quad_bytes = 4 * kPanelOutputs,
                                           .pack_quad = pack_quad_plain,
                                           .multiply = multiply_plain,
                                           .depthwise_tap_bytes = kDepthwiseBlock,
                                           .pack_depthwise = pack_depthwise_plain,
                                           .filter = filter_plain};

}  // namespace
}  // namespace verge::kernels
