#include <algorithm>

#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/backends/onednn/refusals.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::backends::onednn {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Value;
using graph::ValueId;

bool wants(const Node& node, size_t output) {
  return output < node.outputs.size() && node.outputs[output] != kNone;
}

void refuse_types(const Graph& graph, const Node& node, std::vector<std::string>& reasons) {
  const auto check = [&](ValueId id) {
    if (id == kNone) return;
    const Value& value = graph.value(id);
    if (value.type.dtype != DType::F32) {
      reasons.push_back(fmt::format("{} is {}, not f32", value.name, name(value.type.dtype)));
    }
    constexpr size_t kMostAxes = 6;
    const Shape shape = graph.bound_shape(value.type);
    if (shape.count() == 0) reasons.push_back(fmt::format("{} is empty", value.name));
    if (value.type.dims.size() > kMostAxes) {
      reasons.push_back(fmt::format("{} has more than {} axes", value.name, kMostAxes));
    }
  };
  std::ranges::for_each(node.inputs, check);
  if (node.outputs[0] != kNone) check(node.outputs[0]);
}

// Whether each output position along the axis sees at least one position of the input.
bool sees_input(const graph::Window2d& window, int axis, int64_t input, int64_t output) {
  for (int64_t at = 0; at < output; ++at) {
    bool sees = false;
    for (int64_t tap = 0; tap < window.kernel[axis] && !sees; ++tap) {
      const int64_t position = window.position(axis, at, tap);
      sees = position >= 0 && position < input;
    }
    if (!sees) return false;
  }
  return true;
}

// What oneDNN 2.6 (brgconv) makes of such outputs: activations of garbage, or a crash.
void refuse_padding_alone(const Graph& graph, const Node& node, std::vector<std::string>& reasons) {
  const auto shape = [&](ValueId id) { return graph.bound_shape(graph.value(id).type); };
  const Shape x = shape(node.inputs[0]), w = shape(node.inputs[1]), y = shape(node.outputs[0]);
  const graph::Window2d window(node.attrs, w[2], w[3]);
  if (sees_input(window, 0, x[2], y[2]) && sees_input(window, 1, x[3], y[3])) return;
  reasons.emplace_back("some of its outputs see padding alone");
}

void refuse_attributes(const Graph& graph, const Node& node, std::vector<std::string>& reasons) {
  const std::string_view op = node.op->name;
  const graph::Attrs& attrs = node.attrs;
  for (size_t output = 1; output < node.outputs.size(); ++output) {
    if (wants(node, output)) reasons.push_back(fmt::format("output {} is read", output));
  }
  if (node.outputs[0] == kNone) reasons.emplace_back("output 0 is not read");
  if (op == "conv2d" && node.outputs[0] != kNone) refuse_padding_alone(graph, node, reasons);
  if (op == "max_pool2d" || op == "avg_pool2d") {
    const graph::Window2d window(attrs);
    if (window.dilations[0] != 1 || window.dilations[1] != 1) {
      reasons.emplace_back("the window of a pool is dilated");
    }
  }
  if (op == "linear" && node.inputs.size() > 4 && node.inputs[4] != kNone) {
    reasons.emplace_back("it normalises its input");
  }
  const bool is_plain_matmul = attrs.integer("transpose_a") == 0 || attrs.integer("batched") != 0;
  if (op == "matmul" && !is_plain_matmul && graph.value(node.inputs[0]).type.dims.size() < 2) {
    reasons.emplace_back("a is a vector");
  }
}

}  // namespace

std::vector<std::string> plain_refusals(const Graph& graph, const Node& node) {
  std::vector<std::string> reasons;
  if (!has_emit(node.op->name)) {
    reasons.push_back(fmt::format("oneDNN is not asked for {}", node.op->name));
  }
  refuse_types(graph, node, reasons);
  refuse_attributes(graph, node, reasons);
  return reasons;
}

}  // namespace verge::backends::onednn
