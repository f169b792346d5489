#pragma once
// How a convolution of levels reads its image, and its weights packed for that. Internal to this
// module.

#include <verge/engine/kernels/conv_int8.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/int8_tile.hpp>

namespace verge::kernels {

/// What the taps of a window are: runs of bytes, at these distances.
struct TapPlan {
  int64_t group_in, group_out;
  bool is_merged;      // a row of taps is one run
  int64_t taps, run;   // runs, and bytes of each that count
  int64_t used_width;  // columns that windows reach, from -pad_left on
  bool is_direct;      // windows are read where x lies

  explicit TapPlan(const ConvInt8& c);

  int64_t quads() const { return (run + 3) / 4; }
  int64_t padded_taps() const { return (taps + 3) / 4 * 4; }
  int64_t panels() const { return pieces_of(group_out, kPanelOutputs); }
  /// Of the pieces between which output rows lie in a band that is copied.
  int64_t pitch(const ConvInt8& c) const {
    return (is_direct ? c.in_width : used_width) * c.in_channels;
  }
  static int64_t used_height(const ConvInt8& c, int64_t rows) {
    return (rows - 1) * c.stride_height + (c.kernel_height - 1) * c.dilation_height + 1;
  }

 private:
  bool is_inside(const ConvInt8& c) const;
};

/// Sums of the weights of each output, then the weights.
struct Int8Packing {
  int64_t outputs, piece_bytes, pieces;  // pieces: panels or blocks

  Int8Packing(const Int8Kernels& kernels, const ConvInt8& conv, const TapPlan& plan);
  /// Of the sums, in bytes.
  int64_t sums_bytes() const;
  int64_t bytes() const { return sums_bytes() + pieces * piece_bytes; }
};

}  // namespace verge::kernels
