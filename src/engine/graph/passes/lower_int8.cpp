#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/level_forms.hpp>
#include <verge/engine/graph/passes/level_table.hpp>
#include <verge/engine/graph/passes/lower_int8.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

// Levels that were only given another shape.
bool emit_same(LevelGraph& g, const LevelTarget& target, ValueId value, const Node& quantize) {
  const auto x = g.levels_of(value);
  if (!x || target.is_clipped() || !g.is_of(*x, target)) return false;
  const ValueId y = quantize.outputs[0];
  g.emit("reshape", {x->levels}, y, dims_attrs(g.dims(y)), quantize);
  return true;
}

// Walks back over what the range of levels says, to the node that computes the value, or null.
const Node* walk_back(const LevelGraph& g, LevelTarget& target, ValueId& value) {
  const Node* node = g.producer(value);
  for (; node != nullptr; node = g.producer(value)) {
    if (g.uses(value) != 1) return nullptr;
    if (node->op->name == "relu") {
      target.low = std::max(target.low, target.zero);
    } else if (node->op->name == "clip") {
      target.low = std::max(target.low, target.level(node->attrs.real("min", -HUGE_VAL)));
      target.high = std::min(target.high, target.level(node->attrs.real("max", HUGE_VAL)));
    } else if (node->op->name != "reshape") {
      break;
    }
    value = node->inputs[0];
  }
  return target.low <= target.high ? node : nullptr;
}

bool lower_quantize(LevelGraph& g, const Node& quantize) {
  ValueId value = quantize.inputs[0];
  if (quantize.inputs.size() != 1 || g.dtype(value) != DType::F32) return false;
  if (emit_level_table(g, quantize)) return true;
  LevelTarget target(quantize);
  if (!target.has_level_of_zero()) return false;
  const Node* node = walk_back(g, target, value);
  if (node == nullptr) return false;
  if (node->op->name == "dequantize") return emit_same(g, target, value, quantize);
  const ValueId y = quantize.outputs[0];
  if (g.dims(value) == g.dims(y)) return emit_level_form(g, *node, target, y);
  const ValueId before = g.add_value(value, "levels", {target.to, g.dims(value)});
  if (!emit_level_form(g, *node, target, before)) return false;
  g.emit("reshape", {before}, y, dims_attrs(g.dims(y)), quantize);
  return true;
}

// Nodes that quantize, with all before them that is then not needed.
void lower_quantized(LevelGraph& g) {
  g.start();
  for (const Node& node : g.old_nodes()) {
    if (node.op->name != "quantize" || !lower_quantize(g, node)) g.keep(node);
  }
  g.finish();
}

// Products of levels whose results stay floats.
void lower_to_floats(LevelGraph& g) {
  g.start();
  for (const Node& node : g.old_nodes()) {
    const bool is_product = node.op->name == "conv2d" || node.op->name == "linear";
    if (!is_product || !emit_level_product(g, node, LevelTarget(), node.outputs[0])) g.keep(node);
  }
  g.finish();
}

void fold(Graph& graph, const ParameterValues& parameters, const Node& node) {
  std::vector<TensorView> inputs;
  for (ValueId id : node.inputs) {
    const auto view = constant_of(graph, parameters, id);
    inputs.push_back(view ? *view : TensorView{});
  }
  Value& y = graph.value(node.outputs[0]);
  auto floats = std::make_shared<Tensor>(DType::F32, graph.bound_shape(y.type));
  const TensorView outputs[] = {floats->view()};
  node.op->reference({inputs, outputs, node.attrs});
  y.kind = ValueKind::Const;
  y.data = std::move(floats);
}

// Weights that were not taken as levels, as floats, moved to where they are wanted.
void fold_weights(Graph& graph, const ParameterValues& parameters) {
  const auto readers = readers_of(graph);
  std::vector<bool> removed(graph.nodes.size()), is_folded(graph.values.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.outputs[0] == kNone || node.inputs.empty() || node.inputs[0] == kNone) continue;
    const auto x = static_cast<size_t>(node.inputs[0]), y = static_cast<size_t>(node.outputs[0]);
    const bool is_weight =
        node.op->name == "dequantize" && graph.values[x].kind == ValueKind::Const;
    if (graph.values[y].is_output || (!is_weight && !(is_move(node) && is_folded[x]))) continue;
    fold(graph, parameters, node);
    is_folded[y] = removed[n] = true;
    if (is_folded[x] && readers[x].size() == 1)
      graph.values[x].data = nullptr;  // read by this move
  }
  remove_nodes(graph, removed);
}

}  // namespace

Graph lower_int8(Graph graph, const ParameterValues& parameters) {
  const auto is_quantizing = [](const Node& node) {
    return node.op->name == "dequantize" || node.op->name == "quantize";
  };
  if (std::ranges::none_of(graph.nodes, is_quantizing)) return graph;
  graph = dead_code(std::move(graph));
  LevelGraph levels(graph, parameters);
  lower_quantized(levels);
  graph = dead_code(std::move(graph));
  lower_to_floats(levels);
  fold_weights(graph, parameters);
  return dead_code(std::move(graph));
}

}  // namespace verge::graph
