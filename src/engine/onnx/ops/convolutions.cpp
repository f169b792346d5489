// Convolutions and their transposes over one or two axes.

#include <algorithm>

#include <verge/engine/onnx/op_group.hpp>
#include <verge/engine/onnx/window.hpp>

namespace verge::onnx::ops {
namespace {

std::vector<int64_t> kernel_of(const Shape& weight) {
  return {weight.extents().begin() + 2, weight.extents().end()};
}

struct Operands {
  Value x, weight, bias;
  Window window;
};

// x and weight as images, and the window; axes must be as many in both.
Result<Operands> read_operands(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const Shape weight = node.shape(node.in(1));
  if (weight.rank() < 3 || weight.rank() != node.rank(node.in(0))) {
    return node.unsupported(
        fmt::format("x is {}, its weight {}", node.shape(node.in(0)).str(), weight.str()));
  }
  Operands operands;
  VERGE_TRY(operands.window, read_window(node, node.in(0), kernel_of(weight)));
  operands.x = as_image(node, node.in(0));
  operands.weight = as_image(node, node.in(1));
  operands.bias = node.has_input(2) ? node.in(2) : Value{};
  return operands;
}

Result<int64_t> groups_of(NodeContext& node) {
  const int64_t groups = node.integer("group", 1);
  if (groups >= 1 && groups <= 1 << 20) return groups;
  return node.malformed(fmt::format("it has {} groups", groups));
}

Status conv(NodeContext& node) {
  VERGE_TRY(Operands in, read_operands(node));
  in.window.clamp_strides(node.shape(in.x));
  graph::Attrs attrs = in.window.attrs();
  VERGE_TRY(const int64_t groups, groups_of(node));
  attrs.set("groups", groups);
  const Value y = node.emit("conv2d", {in.x, in.weight, in.bias}, std::move(attrs));
  node.set_output(0, from_image(node, in.window, y));
  return {};
}

// With output_shape, or "SAME", the padding follows from the extents of the result.
Status fit_output(NodeContext& node, Operands& in, std::array<int64_t, 2>& extra) {
  const std::vector<int64_t> wanted = node.integers("output_shape");
  const std::string automatic = node.text("auto_pad", "NOTSET");
  const bool is_same = automatic.starts_with("SAME");
  if (wanted.empty() && !is_same) return {};
  const Shape x = node.shape(in.x);
  for (size_t i = in.window.is_flat ? 1 : 0; i < 2; ++i) {
    const int64_t extent = x[static_cast<int>(i) + 2], stride = in.window.strides[i];
    const size_t at = wanted.size() < (in.window.is_flat ? 1u : 2u) ? 0 : wanted.size() - 2 + i;
    if (!wanted.empty() && at >= wanted.size()) return node.malformed("output_shape is too short");
    const int64_t result = wanted.empty() ? extent * stride : wanted[at];
    const int64_t all =
        (extent - 1) * stride + extra[i] + in.window.reach(static_cast<int>(i)) - result;
    if (all < 0) {
      extra[i] -= all;
      in.window.before[i] = in.window.after[i] = 0;
      continue;
    }
    // Before opset 11 and with SAME_UPPER the odd one is at the end.
    in.window.before[i] = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
    in.window.after[i] = all - in.window.before[i];
  }
  return {};
}

Status conv_transpose(NodeContext& node) {
  VERGE_TRY(Operands in, read_operands(node));
  std::array<int64_t, 2> extra = {0, 0};
  const std::vector<int64_t> padding = node.integers("output_padding");
  if (!padding.empty() && padding.size() != (in.window.is_flat ? 1u : 2u)) {
    return node.malformed("output_padding does not fit the axes");
  }
  for (size_t i = 0; i < padding.size(); ++i) extra[2 - padding.size() + i] = padding[i];
  VERGE_RETURN_IF_ERROR(fit_output(node, in, extra));
  const Shape x = node.shape(in.x);
  for (size_t i = 0; i < 2; ++i) {  // a single element is not spread
    int64_t& stride = in.window.strides[i];
    if (x[static_cast<int>(i) + 2] == 1 && extra[i] >= 0) stride = std::min(stride, extra[i] + 1);
  }
  graph::Attrs attrs = in.window.attrs();
  VERGE_TRY(const int64_t groups, groups_of(node));
  attrs.set("groups", groups);
  attrs.set("output_padding", std::vector<int64_t>{extra[0], extra[1]});
  const Value y = node.emit("conv_transpose2d", {in.x, in.weight, in.bias}, std::move(attrs));
  node.set_output(0, from_image(node, in.window, y));
  return {};
}

constexpr OnnxOp kOps[] = {{"Conv", conv}, {"ConvTranspose", conv_transpose}};

}  // namespace

OpGroup convolutions() {
  return {kOps};
}

}  // namespace verge::onnx::ops
