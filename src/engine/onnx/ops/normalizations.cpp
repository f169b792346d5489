// Normalizations and softmax.

#include <algorithm>
#include <numeric>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

// [n, c, ...] as [n, c, 1, rest].
Result<Value> as_channels(NodeContext& node, Value x) {
  const Shape shape = node.shape(x);
  if (shape.rank() < 2) return node.malformed(fmt::format("x is {}", shape.str()));
  if (shape.rank() == 4) return x;
  int64_t area = 1;
  for (int i = 2; i < shape.rank(); ++i) area *= shape[i];
  return node.reshape(x, {shape[0], shape[1], 1, area});
}

Status batch_norm(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(5));
  if (node.integer("training_mode") != 0)
    return node.unsupported("training_mode; export it for inference");
  VERGE_TRY(const Value x, as_channels(node, node.in(0)));
  const Value y = node.emit("batch_norm", {x, node.in(1), node.in(2), node.in(3), node.in(4)},
                            {{"eps", node.real("epsilon", 1e-5)}});
  node.set_output(0, node.reshape(y, to_list(node.shape(node.in(0)))));
  return {};
}

Status by_groups(NodeContext& node, int64_t groups, Value scale, Value bias) {
  VERGE_TRY(const Value x, as_channels(node, node.in(0)));
  const Value y = node.emit("group_norm", {x, scale, bias},
                            {{"eps", node.real("epsilon", 1e-5)}, {"groups", groups}});
  node.set_output(0, node.reshape(y, to_list(node.shape(node.in(0)))));
  return {};
}

Status instance_norm(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(3));
  if (node.rank(node.in(0)) < 2) return node.malformed("x has no channels");
  return by_groups(node, node.shape(node.in(0))[1], node.in(1), node.in(2));
}

// Until opset 20 scale and bias are by group, from 21 on by channel.
Status group_norm(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(3));
  const int64_t groups = node.integer("num_groups");
  if (node.rank(node.in(0)) < 2) return node.malformed("x has no channels");
  const int64_t channels = node.shape(node.in(0))[1];
  if (groups < 1 || channels % groups != 0) {
    return node.malformed(fmt::format("{} channels in {} groups", channels, groups));
  }
  const auto by_channel = [&](Value v) {
    if (node.shape(v) == Shape{channels}) return v;
    const Value column = node.reshape(v, {groups, 1});
    return node.reshape(node.broadcast(column, Shape{groups, channels / groups}), {channels});
  };
  return by_groups(node, groups, by_channel(node.in(1)), by_channel(node.in(2)));
}

// Over the axes from {axis} on, as rows.
Status layer_norm(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.wants_output(1) || node.wants_output(2)) return node.unsupported("its mean is read");
  const std::vector<int64_t> x = to_list(node.shape(node.in(0)));
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis", -1), static_cast<int>(x.size())));
  const int64_t d = std::accumulate(x.begin() + axis, x.end(), int64_t{1}, std::multiplies<>());
  const int64_t rows =
      std::accumulate(x.begin(), x.begin() + axis, int64_t{1}, std::multiplies<>());
  const auto by_row = [&](Value v) {
    const Shape shape{std::span<const int64_t>(x).subspan(static_cast<size_t>(axis))};
    return node.reshape(node.broadcast(v, shape), {d});
  };
  const Value bias = node.has_input(2) ? by_row(node.in(2)) : Value{};
  const Value y =
      node.emit("layer_norm", {node.reshape(node.in(0), {rows, d}), by_row(node.in(1)), bias},
                {{"eps", node.real("epsilon", 1e-5)}});
  node.set_output(0, node.reshape(y, x));
  return {};
}

// The Graph's softmax is by the last axis.
Value by_axis(NodeContext& node, std::string_view op, Value x, int axis) {
  const int rank = node.rank(x);
  if (axis == rank - 1) return node.emit(op, {x});
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[static_cast<size_t>(axis)], perm.back());
  return node.transpose(node.emit(op, {node.transpose(x, perm)}), perm);
}

// Before opset 13 all axes from {axis} on are one.
template <const char* op>
Status softmax(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const std::vector<int64_t> x = to_list(node.shape(node.in(0)));
  const bool is_old = node.opset() < 13;
  VERGE_TRY(const int axis,
            node.axis_of(node.integer("axis", is_old ? 1 : -1), static_cast<int>(x.size())));
  if (!is_old) {
    node.set_output(0, by_axis(node, op, node.in(0), axis));
    return {};
  }
  const int64_t d = std::accumulate(x.begin() + axis, x.end(), int64_t{1}, std::multiplies<>());
  const int64_t rows =
      std::accumulate(x.begin(), x.begin() + axis, int64_t{1}, std::multiplies<>());
  node.set_output(0, node.reshape(node.emit(op, {node.reshape(node.in(0), {rows, d})}), x));
  return {};
}

constexpr char kSoftmax[] = "softmax";
constexpr char kLogSoftmax[] = "log_softmax";

constexpr OnnxOp kOps[] = {
    {"BatchNormalization", batch_norm},       {"GroupNormalization", group_norm},
    {"InstanceNormalization", instance_norm}, {"LayerNormalization", layer_norm},
    {"LogSoftmax", softmax<kLogSoftmax>},     {"Softmax", softmax<kSoftmax>},
};

}  // namespace

OpGroup normalizations() {
  return {kOps};
}

}  // namespace verge::onnx::ops
