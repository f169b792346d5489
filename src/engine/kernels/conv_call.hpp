#pragma once
// What the kernels of conv2d and its gradients share: the geometry of a call.

#include <algorithm>
#include <string_view>
#include <vector>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/window_call.hpp>

namespace verge::kernels {

/// The convolution with image x, result y and weight of these shapes.
inline Conv2d conv_of(const graph::Attrs& attrs, const Shape& x, const Shape& y,
                      const Shape& weight) {
  const graph::Window2d window(attrs, weight[2], weight[3]);
  Conv2d conv{.batch = x[0], .in_channels = x[1], .in_height = x[2], .in_width = x[3]};
  conv.out_channels = y[1];
  set_window(conv, window);
  conv.dilation_height = window.dilations[0];
  conv.dilation_width = window.dilations[1];
  conv.groups = window.groups;
  return conv;
}

/// Whether the tables of taps stay small: offsets in the planes of one row fit 32 bits, and there
/// are not more phases of a stride than a plan can be made for.
inline bool conv_fits(const Conv2d& conv) {
  const auto reach = [](int64_t dilation, int64_t kernel, int64_t stride) {
    return static_cast<double>(dilation) * static_cast<double>(kernel) +
           static_cast<double>(stride);
  };
  const auto channels = static_cast<double>(std::max(conv.in_channels, conv.out_channels));
  const double rows = reach(conv.dilation_height, conv.kernel_height, conv.stride_height);
  const double columns = static_cast<double>(conv.in_width + conv.pad_left + conv.pad_right) +
                         reach(conv.dilation_width, conv.kernel_width, conv.stride_width);
  const double phases =
      static_cast<double>(conv.stride_height) * static_cast<double>(conv.stride_width);
  return channels / static_cast<double>(conv.groups) * rows * columns < 0x1p31 && phases <= 0x1p16;
}

/// Sets what a call does to the product: activation, residual (input 3), factor and offset.
inline void add_epilogue(const graph::KernelCall& call, Conv2d& conv) {
  conv.activation = fused_activation(call.attrs);
  conv.residual = f32(call, 3);
  conv.activates_sum = call.attrs.integer("activate_sum") != 0;
  conv.factor = static_cast<float>(call.attrs.real("factor", 1));
  conv.offset = static_cast<float>(call.attrs.real("offset", 0));
}

/// The ways to run a convolution or one of its gradients, first the one of `first_m`.
inline std::vector<std::string_view> winograd_choices(bool fits, int first_m = 0) {
  if (!fits) return {"direct"};
  if (first_m == 4) return {"winograd4", "direct", "winograd2"};
  return {"direct", "winograd2", "winograd4"};
}
/// The m of F(m x m, 3 x 3), or 0 for the direct convolution: `first_m` where nothing was chosen.
inline int winograd_of(const graph::KernelCall& call, int first_m = 0) {
  if (call.choice.empty()) return first_m;
  return call.choice == "winograd4" ? 4 : call.choice == "winograd2" ? 2 : 0;
}

}  // namespace verge::kernels
