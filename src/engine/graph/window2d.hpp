#pragma once
// The geometry of convolutions and pools over [batch, channels, height, width]: attributes
// {strides [2], pads [top, left, bottom, right], dilations [2], groups}, all optional, and for
// pools {kernel [2]}.

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

struct Window2d {
  int64_t kernel[2] = {1, 1};
  int64_t strides[2] = {1, 1};
  int64_t pads[4] = {0, 0, 0, 0};
  int64_t dilations[2] = {1, 1};
  int64_t groups = 1;

  explicit Window2d(const Attrs& attrs);
  Window2d(const Attrs& attrs, int64_t kernel_height, int64_t kernel_width);

  /// Extent of the result along axis 0 (height) or 1 (width); not positive: the window does not
  /// fit.
  int64_t output_extent(int axis, int64_t input) const;
  /// The input position that tap `tap` of output position `at` reads; may lie in the padding.
  int64_t position(int axis, int64_t at, int64_t tap) const {
    return at * strides[axis] - pads[axis] + tap * dilations[axis];
  }
};

/// The attributes of the node with {height, width} of the image `x`: what a gradient needs to know
/// of an input it does not read.
Attrs with_image_extents(const Builder& builder, const Attrs& attrs, ValueId x);

/// x must be [batch, channels, height, width] with constant extents but for the batch, and the
/// window must fit.
Status expect_image(const InferContext& context, size_t input, std::string_view argument);
Result<Dims> windowed_dims(const InferContext& context, const Dims& x, const Dim& channels,
                           const Window2d& window);
/// The shape rule of pools: output 0 has an element for each window of input 0.
Status infer_pool(InferContext& context);
/// The shape rule of their gradients: input 0 is dy, output 0 is {height, width} large.
Status infer_pool_grad(InferContext& context);

/// Calls f(index in the small image, index in the large one, tap) for each pair of an output
/// position and an input position in its window. `small` is a [batch, channels, height, width] of
/// the results, `large` of the inputs.
template <typename F>
void for_each_window_element(const Shape& small, const Shape& large, const Window2d& window, F f) {
  const int64_t taps = window.kernel[0] * window.kernel[1];
  for (int64_t i = 0; i < small.count(); ++i) {
    const int64_t plane = i / (small[2] * small[3]);
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t y = window.position(0, i / small[3] % small[2], tap / window.kernel[1]);
      const int64_t x = window.position(1, i % small[3], tap % window.kernel[1]);
      if (y < 0 || y >= large[2] || x < 0 || x >= large[3]) continue;
      f(static_cast<size_t>(i), static_cast<size_t>((plane * large[2] + y) * large[3] + x),
        static_cast<size_t>(tap));
    }
  }
}

/// By how many elements each window's mean is divided: all of its own, or with {count_include_pad}
/// those in the padding as well.
std::vector<double> window_counts(const KernelCall& call, const Shape& small, const Shape& large);

/// The same for a convolution: f(index in y, index in x, index in the weight), with y [batch, out,
/// height, width], x [batch, in, ...], weight [out, in / groups, kernel height, kernel width].
template <typename F>
void for_each_tap(const Shape& y, const Shape& x, const Window2d& window, F f) {
  const int64_t in_group = x[1] / window.groups, out_group = y[1] / window.groups;
  const int64_t taps = window.kernel[0] * window.kernel[1];
  for (int64_t channel = 0; channel < in_group; ++channel) {
    const Shape one_plane{1, 1, x[2], x[3]};
    for (int64_t plane = 0; plane < y[0] * y[1]; ++plane) {
      const int64_t out = plane % y[1];
      const int64_t in = out / out_group * in_group + channel;
      const auto x_base = static_cast<size_t>((plane / y[1] * x[1] + in) * x[2] * x[3]);
      const auto y_base = static_cast<size_t>(plane * y[2] * y[3]);
      const auto w_base = static_cast<size_t>((out * in_group + channel) * taps);
      for_each_window_element({1, 1, y[2], y[3]}, one_plane, window,
                              [&](size_t small, size_t large, size_t tap) {
                                f(y_base + small, x_base + large, w_base + tap);
                              });
    }
  }
}

/// A convolution from `in` to `out` channels has {groups} that divide both.
Status expect_groups(const InferContext& context, const Window2d& window, const Dim& in,
                     const Dim& out);

/// The weight w [out, in / groups, kh, kw] reads all channels of x [n, in, ...].
Status expect_weight(const InferContext& context, const Window2d& window, const Dims& x,
                     const Dims& w);

/// The cost of a pool: an operation for each element of each window.
Cost pool_cost(const KernelCall& call);
/// The cost of a convolution, or of one of its gradients: a product for each tap.
Cost convolution_cost(const KernelCall& call, const Shape& y, const Shape& weight);

}  // namespace verge::graph
