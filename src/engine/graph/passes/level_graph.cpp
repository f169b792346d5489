#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/passes/level_graph.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr double kMostFactor = 1e30;  // of a sum: what is left of larger ones is no number

// Output 0 has elements of input 0 alone, whatever they are.
bool moves_elements(const Node& node) {
  return is_move(node) || node.op->name == "gather" || node.op->name == "slice";
}

}  // namespace

LevelTarget::LevelTarget(const Node& quantize)
    : to(quantize.attrs.text("to", "i8") == "u8" ? DType::U8 : DType::I8),
      scale(quantize.attrs.real("scale")),
      zero(quantize.attrs.integer("zero_point")),
      low(least_level(to)),
      high(largest_level(to)) {}

int64_t LevelTarget::level(double value) const {
  const float steps = static_cast<float>(value) / static_cast<float>(scale);
  const double exact = std::nearbyint(steps) + static_cast<double>(zero);
  return static_cast<int64_t>(std::clamp(exact, static_cast<double>(least_level(to)),
                                         static_cast<double>(largest_level(to))));
}

bool LevelTarget::has_level_of_zero() const {
  return zero >= least_level(to) && zero <= largest_level(to);
}

bool LevelTarget::is_clipped() const {
  return low != least_level(to) || high != largest_level(to);
}

bool LevelTarget::holds(double factor) const {
  return factor / scale < kMostFactor;
}

void LevelTarget::write(Attrs& attrs) const {
  attrs.set("to", std::string(name(to)));
  if (to == DType::F32) return;
  attrs.set("y_zero", zero);
  if (!is_clipped()) return;
  attrs.set("low", low);
  attrs.set("high", high);
}

void LevelGraph::start() {
  old_ = graph_.nodes;
  nodes_.clear();
  levels_.clear();
  producers_ = producers_of(graph_);
  uses_.assign(graph_.values.size(), 0);
  const auto readers = readers_of(graph_);
  for (size_t id = 0; id < uses_.size(); ++id) {
    uses_[id] = readers[id].size() + (graph_.values[id].is_output ? 1 : 0);
  }
}

void LevelGraph::finish() {
  graph_.nodes = std::move(nodes_);
}

const Node* LevelGraph::producer(ValueId id) const {
  const auto at = static_cast<size_t>(id);
  if (id == kNone || at >= producers_.size() || producers_[at] < 0) return nullptr;
  return &old_[static_cast<size_t>(producers_[at])];
}

// Those that a dequantize of one scale is given.
std::optional<LevelView> LevelGraph::dequantized(const Node& node) const {
  const ValueId in = node.inputs[0];
  const bool is_single = node.inputs.size() == 1 && is_level(dtype(in));
  if (!is_single || graph_.value(in).kind == ValueKind::Const) return {};
  const int64_t zero = node.attrs.integer("zero_point");
  if (zero < least_level(dtype(in)) || zero > largest_level(dtype(in))) return {};
  return LevelView{in, node.attrs.real("scale"), zero};
}

std::optional<LevelView> LevelGraph::levels_of(ValueId id) {
  std::vector<ValueId> moves;
  std::optional<LevelView> found;
  for (ValueId at = id;;) {
    if (const auto known = levels_.find(at); known != levels_.end()) {
      found = known->second;
      break;
    }
    const Node* node = producer(at);
    if (node == nullptr || node->inputs.empty() || node->inputs[0] == kNone) break;
    if (node->op->name == "dequantize") found = dequantized(*node);
    if (!moves_elements(*node)) break;
    moves.push_back(at);
    at = node->inputs[0];
  }
  for (; !moves.empty(); moves.pop_back()) {
    if (found) found->levels = emit_moved(moves.back(), *found);
    levels_[moves.back()] = found;
  }
  return found;
}

ValueId LevelGraph::emit_moved(ValueId id, const LevelView& x) {
  const Node& node = *producer(id);
  const ValueId moved = add_value(id, "levels", {dtype(x.levels), dims(id)});
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = x.levels;
  emit(node.op->name, std::move(inputs), moved, node.attrs, node);
  return moved;
}

bool LevelGraph::is_of(const LevelView& x, const LevelTarget& target) const {
  return x.scale == target.scale && x.zero == target.zero && dtype(x.levels) == target.to;
}

std::optional<TensorView> LevelGraph::constant(ValueId id) const {
  return constant_of(graph_, parameters_, id);
}

std::optional<Int8Weight> LevelGraph::weight(ValueId id) const {
  return int8_weight_of(graph_, old_, producers_, parameters_, id);
}

std::optional<Tensor> LevelGraph::bias(ValueId id, const std::vector<double>& units) const {
  return int8_bias_of(graph_, old_, producers_, parameters_, id, units);
}

void LevelGraph::emit(std::string_view op, std::vector<ValueId> inputs, ValueId output, Attrs attrs,
                      const Node& like) {
  nodes_.push_back(
      {find_op(op), std::move(inputs), {output}, std::move(attrs), like.phase, like.source});
}

ValueId LevelGraph::add_value(ValueId like, std::string_view what, Type type) {
  Value value;
  value.name = fmt::format("{}.{}#{}", graph_.value(like).name, what, graph_.values.size());
  value.type = std::move(type);
  graph_.values.push_back(std::move(value));
  return static_cast<ValueId>(graph_.values.size() - 1);
}

ValueId LevelGraph::add_constant(ValueId like, std::string_view what, Tensor data) {
  Type type{data.dtype(), {data.shape().extents().begin(), data.shape().extents().end()}};
  const ValueId id = add_value(like, what, std::move(type));
  graph_.value(id).kind = ValueKind::Const;
  graph_.value(id).data = std::make_shared<const Tensor>(std::move(data));
  return id;
}

}  // namespace verge::graph
