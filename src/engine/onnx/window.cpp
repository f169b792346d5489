#include <algorithm>

#include <verge/engine/onnx/window.hpp>

namespace verge::onnx {
namespace {

constexpr int64_t kMost = 1 << 15;  // of kernels, strides, dilations, pads, and a window's reach

// The numbers of an attribute for each spatial axis, behind those of the axis that is not there.
Result<std::array<int64_t, 2>> read_pair(const NodeContext& node, std::string_view name,
                                         std::vector<int64_t> list, bool is_flat, int64_t otherwise,
                                         int64_t least) {
  std::array<int64_t, 2> pair = {otherwise, otherwise};
  if (list.empty()) return pair;
  if (list.size() != (is_flat ? 1 : 2)) {
    return node.malformed(
        fmt::format("{} has {} numbers for {} axes", name, list.size(), is_flat ? 1 : 2));
  }
  std::ranges::copy(list, pair.begin() + (is_flat ? 1 : 0));
  for (int64_t number : list) {
    if (number < least || number > kMost) {
      return node.unsupported(fmt::format("{} is [{}]", name, fmt::join(list, ", ")));
    }
  }
  return pair;
}

// SAME: as many results as strides fit, padding split evenly, an odd one at the named end.
void pad_alike(Window& window, const Shape& x, bool at_start) {
  for (size_t i = window.is_flat ? 1 : 0; i < 2; ++i) {
    const int64_t extent = x[x.rank() - 2 + static_cast<int>(i)];
    const int64_t results = (extent + window.strides[i] - 1) / window.strides[i];
    const int64_t covered = (results - 1) * window.strides[i] + window.reach(static_cast<int>(i));
    const int64_t all = std::max<int64_t>(0, covered - extent);
    window.before[i] = at_start ? all - all / 2 : all / 2;
    window.after[i] = all - window.before[i];
  }
}

}  // namespace

graph::Attrs Window::attrs() const {
  return {{"strides", std::vector<int64_t>{strides[0], strides[1]}},
          {"dilations", std::vector<int64_t>{dilations[0], dilations[1]}},
          {"pads", std::vector<int64_t>{before[0], before[1], after[0], after[1]}}};
}

void Window::clamp_strides(const Shape& image) {
  for (size_t i = 0; i < 2; ++i) {
    const int axis = static_cast<int>(i);
    const int64_t room = image[axis + 2] + before[i] + after[i] - reach(axis);
    strides[i] = std::clamp<int64_t>(room + 1, 1, strides[i]);
  }
}

Value as_image(NodeContext& node, Value x) {
  const Shape shape = node.shape(x);
  return shape.rank() == 3 ? node.reshape(x, {shape[0], shape[1], 1, shape[2]}) : x;
}

Value from_image(NodeContext& node, const Window& window, Value y) {
  if (!window.is_flat || node.failed() || !y) return y;
  const Shape shape = node.shape(y);
  return node.reshape(y, {shape[0], shape[1], shape[3]});
}

Result<Window> read_window(const NodeContext& node, Value x, std::vector<int64_t> kernel) {
  const Shape shape = node.shape(x);
  if (shape.rank() != 3 && shape.rank() != 4) {
    return node.unsupported(fmt::format("x is {}; one or two spatial axes can be", shape.str()));
  }
  Window window;
  window.is_flat = shape.rank() == 3;
  if (kernel.empty()) kernel = node.integers("kernel_shape");
  if (kernel.empty()) return node.malformed("kernel_shape is missing");
  const auto pair = [&](std::string_view name, std::vector<int64_t> list, int64_t otherwise,
                        int64_t least) {
    return read_pair(node, name, std::move(list), window.is_flat, otherwise, least);
  };
  VERGE_TRY(window.kernel, pair("kernel_shape", std::move(kernel), 1, 1));
  VERGE_TRY(window.strides, pair("strides", node.integers("strides"), 1, 1));
  VERGE_TRY(window.dilations, pair("dilations", node.integers("dilations"), 1, 1));
  for (int axis = 0; axis < 2; ++axis) {
    if (window.reach(axis) <= kMost) continue;
    return node.unsupported(fmt::format("a window reaches over {} elements", window.reach(axis)));
  }
  const std::string automatic = node.text("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    pad_alike(window, shape, automatic == "SAME_LOWER");
  } else if (automatic == "NOTSET" || automatic.empty()) {
    const std::vector<int64_t> pads = node.integers("pads");
    const auto half = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
    VERGE_TRY(window.before, pair("pads", {pads.begin(), half}, 0, 0));
    VERGE_TRY(window.after, pair("pads", {half, pads.end()}, 0, 0));
  } else if (automatic != "VALID") {
    return node.malformed(fmt::format("auto_pad is \"{}\"", automatic));
  }
  return window;
}

}  // namespace verge::onnx
