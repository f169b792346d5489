#pragma once
// ConvPlan: a convolution, or one stride phase of its data gradient, as a product over taps.
// Internal to this module.

#include <algorithm>
#include <cstdint>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/scratch.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels {

struct ConvPlan {
  Lattice lattice;
  bool depthwise = false;
  int64_t groups = 1, batch = 1;
  int64_t lines = 0;               // output channels of a group
  int64_t taps = 0;                // of one output: source channels of a group x kernel taps
  int64_t weight_line_stride = 0;  // from one line's weights to the next's
  int64_t out_plane = 0;           // values of one output channel
  int64_t out_first = 0;           // of this phase in its channel
  int64_t row_stride = 0, column_stride = 0;
  int32_t* offsets = nullptr;    // [taps]
  int32_t* weight_at = nullptr;  // [taps], in one line's weights
  const float* packed = nullptr;

  int64_t weights_of_group(const TapKernels& kernels) const {
    const int64_t panel = depthwise ? 1 : kernels.rows;
    return (lines + panel - 1) / panel * panel * taps;
  }
  int64_t packed_floats(const TapKernels& kernels) const {
    return groups * weights_of_group(kernels);
  }
  void carve_taps(Scratch& scratch) {
    offsets = scratch.take<int32_t>(taps);
    weight_at = scratch.take<int32_t>(taps);
  }
  /// Floats of a worker's planes, and of its micro tile or line.
  int64_t planes_size() const { return lattice.buffer_size(); }
  int64_t line_size(const TapKernels& kernels) const {
    return std::max<int64_t>(lattice.positions(lattice.band) + 64,
                             int64_t{kernels.rows} * kernels.columns);
  }
};

/// The forward convolution. The taps of a group are [in_channels / groups, kernel_height,
/// kernel_width].
ConvPlan plan_forward(const Conv2d& conv);
void fill_forward_taps(const Conv2d& conv, ConvPlan& plan);
/// The offsets of one channel: [kernel_height, kernel_width].
void fill_kernel_offsets(const Conv2d& conv, const ConvPlan& plan, int32_t* offsets);

/// Phase (a, b) of the data gradient: input pixels whose padded coordinates are a, b modulo the
/// strides. lattice.out_height or out_width is 0 or less when there are none.
ConvPlan plan_backward(const Conv2d& conv, int64_t a, int64_t b);
void fill_backward_taps(const Conv2d& conv, int64_t a, int64_t b, ConvPlan& plan);

/// Parts in which each of `pieces` is done where they are fewer than the workers; `most` at most.
inline int64_t shares_for(int workers, int64_t pieces, int64_t most) {
  return pieces == 0
             ? 1
             : std::clamp((workers + pieces - 1) / pieces, int64_t{1}, std::max(most, int64_t{1}));
}

/// Workspace of conv2d_backward_weight.
int64_t conv2d_backward_weight_bytes(Isa isa, const Conv2d& conv, int threads);

}  // namespace verge::kernels
