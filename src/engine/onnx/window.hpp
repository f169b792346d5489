#pragma once
// The windows of convolutions and pools: ONNX's attributes as those of the Graph's operators, which
// know two spatial axes. One axis is an image one pixel high.

#include <array>

#include <verge/engine/onnx/node_context.hpp>

namespace verge::onnx {

struct Window {
  std::array<int64_t, 2> kernel = {1, 1}, strides = {1, 1}, dilations = {1, 1};
  std::array<int64_t, 2> before = {0, 0}, after = {0, 0};  // padding
  bool is_flat = false;                                    // one spatial axis

  int64_t reach(int axis) const {
    const auto i = static_cast<size_t>(axis);
    return dilations[i] * (kernel[i] - 1) + 1;
  }
  /// A stride beyond [n, c, h, w] makes one result, as any does that is as large as the room.
  void clamp_strides(const Shape& image);
  graph::Attrs attrs() const;
};

/// [n, c, l] as [n, c, 1, l]; a window over one axis makes results that flat() turns back.
Value as_image(NodeContext& node, Value x);
Value from_image(NodeContext& node, const Window& window, Value y);

/// The attributes strides, pads, dilations and auto_pad of a node over `x` [n, c, h, w] or
/// [n, c, l]. `kernel` as the weight says, or empty for kernel_shape.
Result<Window> read_window(const NodeContext& node, Value x, std::vector<int64_t> kernel);

}  // namespace verge::onnx
