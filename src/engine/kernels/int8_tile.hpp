#pragma once
// The innermost loops of products of levels, by ISA. Internal to this module.
//
// Weights are packed in panels of 16 outputs: for each four bytes of a pixel (a quad) those of each
// output together. Depthwise weights are packed by blocks of 64 channels.

#include <cstddef>
#include <cstdint>

#include <verge/engine/kernels/conv_int8.hpp>

namespace verge::kernels {

constexpr int64_t kPanelOutputs = 16;
constexpr int64_t kTilePixels = 12;  // at most, of one call
constexpr int64_t kDepthwiseBlock = 64;

/// Where results go and what is done to them, for outputs from the first of a panel on.
struct Int8Out {
  std::byte* y = nullptr;         // of the first pixel and output
  int64_t pixel_bytes = 0;        // from one pixel to the next
  int64_t outputs = 0;            // that there are from here on
  const int32_t* sums = nullptr;  // of the weights, padded to whole panels
  int32_t x_zero = 0;             // of x as unsigned bytes
  Requantize how = {};            // bias and multiplier of the first output
};

/// `count` pixels by all panels of `out.outputs`. A pixel's taps are runs of 4 * quads bytes.
struct Int8Tile {
  const uint8_t* const* pixels = nullptr;
  int64_t count = 0;
  const int64_t* taps = nullptr;  // offsets in bytes
  int64_t tap_count = 0, quads = 0;
  const std::byte* weights = nullptr;
  int64_t panel_bytes = 0;
  Int8Out out = {};
};

/// A row of `count` pixels, `step` bytes apart, of up to kDepthwiseBlock channels; 64 bytes may be
/// read of each tap. Up to a multiple of four there are offsets of taps behind the last, and
/// weights of zero.
struct DepthwiseInt8 {
  const uint8_t* pixels = nullptr;
  int64_t step = 0, count = 0;
  const int64_t* taps = nullptr;
  int64_t tap_count = 0;
  const std::byte* weights = nullptr;
  Int8Out out = {};
};

struct Int8Kernels {
  int64_t quad_bytes;                                               // of a panel, for each quad
  void (*pack_quad)(const int8_t (*weights)[4], std::byte* panel);  // of 16 outputs
  /// What a panel has behind its quads, and what writes it there; null: nothing.
  int64_t tail_bytes = 0;
  void (*finish_panel)(int64_t quads, std::byte* panel) = nullptr;
  void (*multiply)(const Int8Tile& tile);
  int64_t depthwise_tap_bytes;  // of a block, for each tap; taps are rounded up to four
  /// weights [64][taps], taps a multiple of four.
  void (*pack_depthwise)(const int8_t* weights, int64_t taps, std::byte* block);
  void (*filter)(const DepthwiseInt8& row);
};

const Int8Kernels& int8_kernels(Isa isa);

}  // namespace verge::kernels
