#include <algorithm>
#include <cmath>

#include <verge/engine/graph/passes/int8_weights.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

constexpr size_t kMostMoves = 64;  // of one weight: each copies it

struct StoredLevels {
  Tensor levels;
  std::vector<double> scales;  // one, or by `axis`
  int axis = 0;
};

const Node* producer_of(const std::vector<Node>& nodes, const std::vector<NodeId>& producers,
                        ValueId id) {
  const auto at = static_cast<size_t>(id);
  if (id == kNone || at >= producers.size() || producers[at] < 0) return nullptr;
  return &nodes[static_cast<size_t>(producers[at])];
}

// Levels less their zero points.
std::optional<StoredLevels> stored_levels(const Graph& graph, const ParameterValues& parameters,
                                          const Node& node) {
  const Value& q = graph.value(node.inputs[0]);
  if (q.kind != ValueKind::Const) return {};
  const auto of_input = [&](size_t i) {
    const auto view = node.inputs.size() > i ? constant_of(graph, parameters, node.inputs[i])
                                             : std::optional<TensorView>();
    return view ? load(*view) : std::vector<double>();
  };
  const Shape shape = q.data->shape();
  StoredLevels found{Tensor(DType::I8, shape), {node.attrs.real("scale")}, 0};
  std::vector<double> zeros = {static_cast<double>(node.attrs.integer("zero_point"))};
  if (node.inputs.size() > 1) {
    found.scales = of_input(1);
    zeros = of_input(2);
    const bool has_zeros = node.inputs.size() > 2 && node.inputs[2] != kNone;
    if (!has_zeros) zeros.resize(found.scales.size());
    found.axis = from_front(node.attrs.integer("axis"), static_cast<size_t>(shape.rank()));
  }
  if (found.scales.empty() || zeros.size() != found.scales.size()) return {};
  size_t inner = 1;
  for (int i = found.axis + 1; i < shape.rank(); ++i) inner *= static_cast<size_t>(shape[i]);
  std::vector<double> levels = load(q.data->view());
  for (size_t i = 0; i < levels.size(); ++i) {
    levels[i] -= zeros[i / inner % zeros.size()];
    if (levels[i] < -128 || levels[i] > 127) return {};
  }
  store(found.levels.view(), levels);
  return found;
}

Tensor moved(const Node& node, const Tensor& x, const Shape& shape) {
  Tensor y(x.dtype(), shape);
  const TensorView inputs[] = {x.view()}, outputs[] = {y.view()};
  node.op->reference({inputs, outputs, node.attrs});
  return y;
}

// Takes them where a move does; false where scales by channel then belong to no axis.
bool move(const Node& node, const Shape& after, StoredLevels& found) {
  const Shape before = found.levels.shape();
  const bool has_axis = found.scales.size() > 1;
  if (has_axis && node.op->name == "transpose") {
    const auto& perm = node.attrs.list("perm");
    const auto at = std::ranges::find(perm, int64_t{found.axis});
    found.axis = static_cast<int>(at - perm.begin());
  } else if (has_axis && (found.axis != 0 || after.rank() == 0 || before[0] != after[0])) {
    return false;
  }
  found.levels = moved(node, found.levels, after);
  return true;
}

std::optional<StoredLevels> find_levels(const Graph& graph, const std::vector<Node>& nodes,
                                        const std::vector<NodeId>& producers,
                                        const ParameterValues& parameters, ValueId id) {
  std::vector<const Node*> moves;
  const Node* node = producer_of(nodes, producers, id);
  for (; node != nullptr && is_move(*node); node = producer_of(nodes, producers, node->inputs[0])) {
    if (moves.size() == kMostMoves) return {};
    moves.push_back(node);
  }
  if (node == nullptr || node->op->name != "dequantize") return {};
  auto found = stored_levels(graph, parameters, *node);
  for (; found && !moves.empty(); moves.pop_back()) {
    const Shape after = graph.bound_shape(graph.value(moves.back()->outputs[0]).type);
    if (!move(*moves.back(), after, *found)) return {};
  }
  return found;
}

}  // namespace

bool is_move(const Node& node) {
  return node.op->name == "reshape" || node.op->name == "transpose";
}

std::optional<TensorView> constant_of(const Graph& graph, const ParameterValues& parameters,
                                      ValueId id) {
  if (id == kNone) return {};
  const Value& value = graph.value(id);
  if (value.kind == ValueKind::Const) return value.data->view();
  if (value.kind == ValueKind::Param && !value.is_trainable && parameters) {
    return parameters(value.name);
  }
  return {};
}

std::optional<Int8Weight> int8_weight_of(const Graph& graph, const std::vector<Node>& nodes,
                                         const std::vector<NodeId>& producers,
                                         const ParameterValues& parameters, ValueId weight) {
  auto found = find_levels(graph, nodes, producers, parameters, weight);
  if (!found) return {};
  const Shape shape = found->levels.shape();
  if (shape.rank() < 2 || shape.count() == 0) return {};
  const auto out = static_cast<size_t>(shape[0]);
  if (found->scales.size() == 1) {
    found->scales.resize(out, found->scales[0]);
  } else if (found->axis != 0 || found->scales.size() != out) {
    return {};
  }
  return Int8Weight{std::move(found->levels), std::move(found->scales)};
}

std::optional<Tensor> int8_bias_of(const Graph& graph, const std::vector<Node>& nodes,
                                   const std::vector<NodeId>& producers,
                                   const ParameterValues& parameters, ValueId bias,
                                   const std::vector<double>& units) {
  std::vector<double> values;
  if (const Node* node = producer_of(nodes, producers, bias)) {
    if (node->op->name != "dequantize") return {};
    std::vector<TensorView> inputs;
    for (ValueId id : node->inputs) {
      const auto view = constant_of(graph, parameters, id);
      if (!view) return {};
      inputs.push_back(*view);
    }
    Tensor floats(DType::F64, inputs[0].shape);
    const TensorView outputs[] = {floats.view()};
    node->op->reference({inputs, outputs, node->attrs});
    values = load(floats.view());
  } else {
    const auto view = constant_of(graph, parameters, bias);
    if (!view) return {};
    values = load(*view);
  }
  if (values.size() != units.size()) return {};
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::nearbyint(values[i] / units[i]);
    if (!(std::abs(values[i]) < 0x1p30)) return {};
  }
  Tensor levels(DType::I32, Shape{static_cast<int64_t>(values.size())});
  store(levels.view(), values);
  return levels;
}

}  // namespace verge::graph
