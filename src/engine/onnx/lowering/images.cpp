// Convolutions, pools and what normalizes by channel.

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/window2d.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx::lowering {
namespace {

using List = std::vector<int64_t>;

Lowering::Attributes window_attributes(const graph::Window2d& w) {
  return {attribute("kernel_shape", List{w.kernel[0], w.kernel[1]}),
          attribute("strides", List{w.strides[0], w.strides[1]}),
          attribute("pads", List{w.pads[0], w.pads[1], w.pads[2], w.pads[3]})};
}

graph::Window2d window_of_weight(const Lowering& to) {
  const graph::Dims& weight = to.type(1).dims;
  return {to.node.attrs, weight[2].factor, weight[3].factor};
}

std::vector<std::string> with_bias(const Lowering& to) {
  std::vector<std::string> inputs = {to.in(0), to.in(1)};
  if (to.has(2)) inputs.push_back(to.in(2));
  return inputs;
}

// With all that passes make part of a convolution.
Status conv2d(Lowering& to) {
  const graph::Window2d window = window_of_weight(to);
  auto attributes = window_attributes(window);
  attributes.push_back(attribute("dilations", List{window.dilations[0], window.dilations[1]}));
  attributes.push_back(attribute("group", window.groups));
  const graph::Attrs& attrs = to.node.attrs;
  const std::string_view activation = attrs.text("activation", "none");
  const bool is_plain = activation == "none" && !to.has(3) && !attrs.has("factor");
  if (is_plain) {
    to.finish("Conv", with_bias(to), std::move(attributes));
    return {};
  }
  std::string y = to.add("Conv", with_bias(to), std::move(attributes));
  const bool of_sum = attrs.integer("activate_sum") != 0;
  if (!of_sum) y = to.activation(activation, y);
  if (to.has(3)) y = to.add("Add", {y, to.in(3)});
  if (of_sum) y = to.activation(activation, y);
  if (attrs.has("factor")) {
    y = to.add("Mul", {y, to.number(attrs.real("factor"))});
    y = to.add("Add", {y, to.number(attrs.real("offset"))});
  }
  to.finish("Identity", {y});
  return {};
}

Status conv_transpose2d(Lowering& to) {
  const graph::Window2d window = window_of_weight(to);
  auto attributes = window_attributes(window);
  attributes.push_back(attribute("dilations", List{window.dilations[0], window.dilations[1]}));
  attributes.push_back(attribute("group", window.groups));
  const List& extra = to.node.attrs.list("output_padding");
  if (!extra.empty()) attributes.push_back(attribute("output_padding", extra));
  to.finish("ConvTranspose", with_bias(to), std::move(attributes));
  return {};
}

Status max_pool2d(Lowering& to) {
  const graph::Window2d window(to.node.attrs);
  auto attributes = window_attributes(window);
  attributes.push_back(attribute("dilations", List{window.dilations[0], window.dilations[1]}));
  to.finish("MaxPool", {to.in(0)}, std::move(attributes));
  return {};
}

Status avg_pool2d(Lowering& to) {
  const graph::Window2d window(to.node.attrs);
  if (window.dilations[0] != 1 || window.dilations[1] != 1) {
    return to.unsupported("dilated means came to ONNX with opset 19");
  }
  auto attributes = window_attributes(window);
  const bool counts_padding = to.node.attrs.integer("count_include_pad") != 0;
  attributes.push_back(attribute("count_include_pad", int64_t{counts_padding}));
  to.finish("AveragePool", {to.in(0)}, std::move(attributes));
  return {};
}

Status global_avg_pool(Lowering& to) {
  to.finish("ReduceMean", {to.in(0)},
            {attribute("axes", List{2, 3}), attribute("keepdims", int64_t{0})});
  return {};
}

Status batch_norm(Lowering& to) {
  to.finish("BatchNormalization", {to.in(0), to.in(1), to.in(2), to.in(3), to.in(4)},
            {attribute("epsilon", to.node.attrs.real("eps", 1e-5))});
  return {};
}

// Each group as a channel of its own, which opset 17 can normalize.
Status group_norm(Lowering& to) {
  const graph::Dims& x = to.type(0).dims;
  const int64_t channels = x[1].factor, groups = to.node.attrs.integer("groups", 1);
  const auto eps = attribute("epsilon", to.node.attrs.real("eps", 1e-5));
  if (groups == channels) {
    to.finish("InstanceNormalization", {to.in(0), to.in(1), to.in(2)}, {eps});
    return {};
  }
  const std::string rows = to.add("Reshape", {to.in(0), to.integers({0, groups, -1})});
  const std::string list = to.integers({groups});
  const std::string ones = to.add("Expand", {to.number(1), list});
  const std::string zeros = to.add("Expand", {to.number(0), list});
  const std::string normed = to.add("InstanceNormalization", {rows, ones, zeros}, {eps});
  const std::string image =
      to.add("Reshape", {normed, to.integers({0, channels, x[2].factor, x[3].factor})});
  const std::string column = to.integers({channels, 1, 1});
  const std::string scaled = to.add("Mul", {image, to.add("Reshape", {to.in(1), column})});
  to.finish("Add", {scaled, to.add("Reshape", {to.in(2), column})});
  return {};
}

constexpr LoweredOp kOps[] = {
    {"avg_pool2d", avg_pool2d},
    {"batch_norm", batch_norm},
    {"conv2d", conv2d},
    {"conv_transpose2d", conv_transpose2d},
    {"global_avg_pool", global_avg_pool},
    {"group_norm", group_norm},
    {"max_pool2d", max_pool2d},
};

}  // namespace

LoweringGroup images() {
  return {kOps};
}

}  // namespace verge::onnx::lowering
