#include <algorithm>
#include <array>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/passes/blocked_form.hpp>

namespace verge::graph {
namespace {

/// A convolution of so few channels reads them plane by plane: a block would be mostly empty.
constexpr int64_t kFewChannels = 4;

const Dims& dims_of_value(const Graph& graph, ValueId id) {
  return graph.value(id).type.dims;
}

bool is_fixed_weight(const Graph& graph, ValueId id) {
  if (id == kNone) return true;
  const Value& value = graph.value(id);
  const bool is_fixed = value.kind == ValueKind::Param || value.kind == ValueKind::Const;
  return is_fixed && !value.is_trainable && value.type.dtype == DType::F32;
}

bool reads_images_only(const Graph& graph, const Node& node) {
  return std::ranges::all_of(node.inputs, [&](ValueId id) {
    return id != kNone && is_image(graph, id) &&
           graph.value(id).type == graph.value(node.outputs[0]).type;
  });
}

std::optional<BlockedForm> blocked_convolution(const Graph& graph, const Node& node) {
  if (!is_fixed_weight(graph, node.inputs[1])) return std::nullopt;
  if (node.inputs.size() > 2 && !is_fixed_weight(graph, node.inputs[2])) return std::nullopt;
  const Dims& w = dims_of_value(graph, node.inputs[1]);
  const int64_t groups = node.attrs.integer("groups", 1);
  const bool is_depthwise = groups > 1 && groups == w[0].factor && w[1].factor == 1;
  if (groups != 1 && !is_depthwise) return std::nullopt;
  BlockedForm form{"conv2d_blocked", node.attrs, std::vector<bool>(node.inputs.size())};
  form.is_blocked[0] = is_depthwise || w[1].factor > kFewChannels;
  if (node.inputs.size() > 3 && node.inputs[3] != kNone) {
    if (!is_image(graph, node.inputs[3])) return std::nullopt;
    form.is_blocked[3] = true;
  }
  return form;
}

std::optional<BlockedForm> blocked_pool(const Node& node, std::string_view mode) {
  BlockedForm form{"pool2d_blocked", node.attrs, {true}};
  form.attrs.set("mode", std::string(mode));
  return form;
}

/// Blocks of the inputs, one after the other, are those of the result.
std::optional<BlockedForm> blocked_concat(const Graph& graph, const Node& node) {
  const int64_t axis = node.attrs.integer("axis");
  if (axis != 1 && axis != -3) return std::nullopt;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_image(graph, node.inputs[i])) return std::nullopt;
    const int64_t channels = dims_of_value(graph, node.inputs[i])[1].factor;
    if (channels % kChannelBlock != 0 && i + 1 < node.inputs.size()) return std::nullopt;
  }
  BlockedForm form{"concat", node.attrs, std::vector<bool>(node.inputs.size(), true)};
  form.attrs.set("axis", int64_t{1});
  return form;
}

bool is_by_element(std::string_view op) {
  constexpr std::array kOps = {"add",        "clip",    "gelu",    "hsigmoid", "hswish",
                               "leaky_relu", "maximum", "minimum", "mul",      "relu",
                               "scale",      "sigmoid", "silu",    "sub",      "tanh"};
  return std::ranges::find(kOps, op) != kOps.end();
}

/// The node has one result that is read, and it is no other's memory.
bool has_one_result(const Graph& graph, const Node& node) {
  return !node.outputs.empty() && node.outputs[0] != kNone &&
         graph.value(node.outputs[0]).alias_of == kNone &&
         std::all_of(node.outputs.begin() + 1, node.outputs.end(),
                     [](ValueId id) { return id == kNone; });
}

}  // namespace

bool is_image(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  const Dims& dims = value.type.dims;
  return value.type.dtype == DType::F32 && dims.size() == 4 && value.alias_of == kNone &&
         (value.kind == ValueKind::Activation || value.kind == ValueKind::Input) &&
         std::all_of(dims.begin() + 1, dims.end(),
                     [](const Dim& dim) { return dim.is_constant() && dim.factor > 0; });
}

std::optional<BlockedForm> blocked_form(const Graph& graph, const Node& node) {
  if (node.phase != Phase::Forward || !has_one_result(graph, node) || node.inputs.empty() ||
      node.inputs[0] == kNone || !is_image(graph, node.inputs[0])) {
    return std::nullopt;
  }
  const std::string_view op = node.op->name;
  if (op == "global_avg_pool") {
    BlockedForm form{"global_avg_pool_blocked", {}, {true}, false};
    form.attrs.set("channels", dims_of_value(graph, node.inputs[0])[1].factor);
    return form;
  }
  if (!is_image(graph, node.outputs[0])) return std::nullopt;
  if (op == "conv2d") return blocked_convolution(graph, node);
  if (op == "max_pool2d") return blocked_pool(node, "max");
  if (op == "avg_pool2d") return blocked_pool(node, "average");
  if (op == "concat") return blocked_concat(graph, node);
  if (!is_by_element(op) || !reads_images_only(graph, node)) return std::nullopt;
  return BlockedForm{op, node.attrs, std::vector<bool>(node.inputs.size(), true)};
}

}  // namespace verge::graph
