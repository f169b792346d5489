#include <algorithm>
#include <cmath>
#include <map>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/int8_weights.hpp>
#include <verge/engine/graph/passes/lower_int8.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

constexpr double kMostFactor = 1e30;  // of a sum: what is left of larger ones is no number

/// An activation by its levels.
struct LevelView {
  ValueId levels = kNone;
  double scale = 1;
  int64_t zero = 0;
};

/// What is done to the sum of a product on its way to levels.
struct Target {
  DType to = DType::F32;
  double scale = 1;
  int64_t zero = 0, low = 0, high = 0;

  Target() = default;
  explicit Target(const Node& quantize)
      : to(quantize.attrs.text("to", "i8") == "u8" ? DType::U8 : DType::I8),
        scale(quantize.attrs.real("scale")),
        zero(quantize.attrs.integer("zero_point")),
        low(least_level(to)),
        high(largest_level(to)) {}

  int64_t level(double value) const {
    const float steps = static_cast<float>(value) / static_cast<float>(scale);
    const double exact = std::nearbyint(steps) + static_cast<double>(zero);
    return static_cast<int64_t>(std::clamp(exact, static_cast<double>(least_level(to)),
                                           static_cast<double>(largest_level(to))));
  }
  bool is_clipped() const { return low != least_level(to) || high != largest_level(to); }
  void write(Attrs& attrs) const {
    attrs.set("to", std::string(name(to)));
    if (to == DType::F32) return;
    attrs.set("y_zero", zero);
    if (!is_clipped()) return;
    attrs.set("low", low);
    attrs.set("high", high);
  }
};

/// Whether integers of 32 bits hold the sums of a window (avg_pool2d_int8).
bool fits_mean(const Window2d& window) {
  return static_cast<double>(window.kernel[0]) * static_cast<double>(window.kernel[1]) <=
         kMostWindow;
}

bool is_plain_product(const Node& node) {
  const bool has_more =
      node.inputs.size() > 3 && std::any_of(node.inputs.begin() + 3, node.inputs.end(),
                                            [](ValueId id) { return id != kNone; });
  return !has_more && !node.attrs.has("factor") && node.attrs.text("activation", "none") == "none";
}

/// y depends on the same element of x only.
bool is_function(const Node& node) {
  constexpr std::string_view kFunctions[] = {"clip",   "erf",        "exp",  "gelu",  "hsigmoid",
                                             "hswish", "leaky_relu", "relu", "scale", "sigmoid",
                                             "silu",   "softcap",    "sqrt", "tanh"};
  return node.inputs.size() == 1 && (node.outputs.size() < 2 || node.outputs[1] == kNone) &&
         std::ranges::count(kFunctions, node.op->name) > 0;
}

class Int8Lowering {
 public:
  Int8Lowering(Graph& graph, const ParameterValues& parameters)
      : graph_(graph), parameters_(parameters), old_(graph.nodes) {}

  /// Nodes that quantize, with all before them that is then not needed.
  void lower_quantized() {
    start();
    for (const Node& node : old_) {
      if (node.op->name == "quantize" && lower_quantize(node)) continue;
      nodes_.push_back(node);
    }
    graph_.nodes = std::move(nodes_);
  }

  /// Products of levels whose results stay floats.
  void lower_to_floats() {
    start();
    for (const Node& node : old_) {
      const bool is_product = node.op->name == "conv2d" || node.op->name == "linear";
      if (is_product && emit_product(node, Target(), node.outputs[0])) continue;
      nodes_.push_back(node);
    }
    graph_.nodes = std::move(nodes_);
  }

  /// Weights that were not taken as levels, as floats, moved to where they are wanted.
  void fold_weights() {
    start();
    std::vector<bool> removed(graph_.nodes.size()), is_folded(graph_.values.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (node.outputs[0] == kNone || node.inputs.empty() || node.inputs[0] == kNone) continue;
      const auto x = static_cast<size_t>(node.inputs[0]), y = static_cast<size_t>(node.outputs[0]);
      const bool is_weight =
          node.op->name == "dequantize" && graph_.values[x].kind == ValueKind::Const;
      if (graph_.values[y].is_output || (!is_weight && !(is_move(node) && is_folded[x]))) continue;
      fold(node);
      is_folded[y] = removed[n] = true;
      if (is_folded[x] && uses_[x] == 1) graph_.values[x].data = nullptr;  // read by this move
    }
    remove_nodes(graph_, removed);
  }

 private:
  void fold(const Node& node) {
    std::vector<TensorView> inputs;
    for (ValueId id : node.inputs) {
      const auto view = constant_of(graph_, parameters_, id);
      inputs.push_back(view ? *view : TensorView{});
    }
    Value& y = graph_.value(node.outputs[0]);
    auto floats = std::make_shared<Tensor>(DType::F32, graph_.bound_shape(y.type));
    const TensorView outputs[] = {floats->view()};
    node.op->reference({inputs, outputs, node.attrs});
    y.kind = ValueKind::Const;
    y.data = std::move(floats);
  }

  void start() {
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

  const Node* producer(ValueId id) const {
    const auto at = static_cast<size_t>(id);
    if (id == kNone || at >= producers_.size() || producers_[at] < 0) return nullptr;
    return &old_[static_cast<size_t>(producers_[at])];
  }
  const Dims& dims(ValueId id) const { return graph_.value(id).type.dims; }

  ValueId add_value(std::string name, Type type) {
    Value value;
    value.name = std::move(name);
    value.type = std::move(type);
    graph_.values.push_back(std::move(value));
    return static_cast<ValueId>(graph_.values.size() - 1);
  }
  ValueId add_constant(const std::string& name, Tensor data) {
    Type type{data.dtype(), {data.shape().extents().begin(), data.shape().extents().end()}};
    const ValueId id = add_value(fmt::format("{}#{}", name, graph_.values.size()), std::move(type));
    graph_.value(id).kind = ValueKind::Const;
    graph_.value(id).data = std::make_shared<const Tensor>(std::move(data));
    return id;
  }
  void emit(std::string_view op, std::vector<ValueId> inputs, ValueId output, Attrs attrs,
            const Node& like) {
    nodes_.push_back(
        {find_op(op), std::move(inputs), {output}, std::move(attrs), like.phase, like.source});
  }

  /// Those that a dequantize of one scale is given.
  std::optional<LevelView> dequantized(const Node& node) const {
    const ValueId in = node.inputs[0];
    const DType dtype = graph_.value(in).type.dtype;
    const bool is_single = node.inputs.size() == 1 && is_level(dtype);
    if (!is_single || graph_.value(in).kind == ValueKind::Const) return {};
    const int64_t zero = node.attrs.integer("zero_point");
    if (zero < least_level(dtype) || zero > largest_level(dtype)) return {};
    return LevelView{in, node.attrs.real("scale"), zero};
  }

  /// The levels behind a value of floats, through moves, which then move levels, once each.
  std::optional<LevelView> levels_of(ValueId id) {
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
      if (!is_move(*node)) break;
      moves.push_back(at);
      at = node->inputs[0];
    }
    for (; !moves.empty(); moves.pop_back()) {
      if (found) found->levels = emit_moved(moves.back(), *found);
      levels_[moves.back()] = found;
    }
    return found;
  }

  ValueId emit_moved(ValueId id, const LevelView& x) {
    const Node& node = *producer(id);
    const ValueId moved =
        add_value(fmt::format("{}.levels{}", graph_.value(id).name, graph_.values.size()),
                  {graph_.value(x.levels).type.dtype, dims(id)});
    emit(node.op->name, {x.levels}, moved, node.attrs, node);
    return moved;
  }

  // A function of one level alone becomes a table of 256: what its nodes give for each.
  bool emit_lookup(const Node& quantize) {
    std::vector<const Node*> chain;
    ValueId value = quantize.inputs[0];
    const Node* node = producer(value);
    for (; node != nullptr && is_function(*node); node = producer(value)) {
      if (uses_[static_cast<size_t>(value)] != 1) return false;
      chain.push_back(node);
      value = node->inputs[0];
    }
    if (node == nullptr || node->op->name != "dequantize") return false;
    const auto x = levels_of(value);
    if (!x || dims(value) != dims(quantize.outputs[0])) return false;
    chain.insert(chain.begin(), &quantize);
    chain.push_back(node);
    const DType from = graph_.value(x->levels).type.dtype;
    Tensor table(from, Shape{256});
    std::vector<double> levels(256);
    for (size_t i = 0; i < levels.size(); ++i)
      levels[i] = static_cast<double>(i) + least_level(from);
    store(table.view(), levels);
    for (auto step = chain.rbegin(); step != chain.rend(); ++step) {
      Tensor next(graph_.value((*step)->outputs[0]).type.dtype, Shape{256});
      const TensorView inputs[] = {table.view()}, outputs[] = {next.view()};
      (*step)->op->reference({inputs, outputs, (*step)->attrs});
      table = std::move(next);
    }
    emit("lookup_int8",
         {x->levels,
          add_constant(graph_.value(quantize.outputs[0]).name + ".table", std::move(table))},
         quantize.outputs[0], {}, quantize);
    return true;
  }

  // Walks back over what levels can say, to what computes the value.
  bool lower_quantize(const Node& quantize) {
    if (quantize.inputs.size() != 1 || graph_.value(quantize.inputs[0]).type.dtype != DType::F32) {
      return false;
    }
    if (emit_lookup(quantize)) return true;
    Target target(quantize);
    if (target.zero < least_level(target.to) || target.zero > largest_level(target.to))
      return false;
    ValueId value = quantize.inputs[0];
    const Node* node = producer(value);
    for (; node != nullptr; node = producer(value)) {
      if (uses_[static_cast<size_t>(value)] != 1) return false;
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
    if (node == nullptr || target.low > target.high) return false;
    if (node->op->name == "dequantize") return emit_same(target, value, quantize);
    if (dims(value) == dims(quantize.outputs[0])) {
      return emit_core(*node, target, quantize.outputs[0]);
    }
    const ValueId before =
        add_value(graph_.value(value).name + ".levels", {target.to, dims(value)});
    if (!emit_core(*node, target, before)) return false;
    emit("reshape", {before}, quantize.outputs[0], dims_attrs(dims(quantize.outputs[0])), quantize);
    return true;
  }

  // Levels that were only given another shape.
  bool emit_same(const Target& target, ValueId value, const Node& quantize) {
    const auto x = levels_of(value);
    if (!x || target.is_clipped() || !is_of(*x, target)) return false;
    emit("reshape", {x->levels}, quantize.outputs[0], dims_attrs(dims(quantize.outputs[0])),
         quantize);
    return true;
  }

  /// Whether the levels mean what those of the target do.
  bool is_of(const LevelView& x, const Target& target) const {
    return x.scale == target.scale && x.zero == target.zero &&
           graph_.value(x.levels).type.dtype == target.to;
  }

  bool emit_core(const Node& node, const Target& target, ValueId y) {
    const std::string_view op = node.op->name;
    if (op == "conv2d" || op == "linear") return emit_product(node, target, y);
    if (op == "add") return emit_sum(node, target, y);
    if (op == "mul") return emit_gate(node, target, y);
    if (op == "avg_pool2d" || op == "global_avg_pool") return emit_mean(node, target, y);
    if (op == "max_pool2d" || op == "concat" || op == "transpose" || op == "slice") {
      return emit_move(node, target, y);
    }
    return false;
  }

  bool emit_product(const Node& node, const Target& target, ValueId y) {
    if (!is_plain_product(node)) return false;
    auto w = int8_weight_of(graph_, old_, producers_, parameters_, node.inputs[1]);
    if (!w || !fits_sum(static_cast<double>(w->levels.shape().count()) /
                        static_cast<double>(w->scales.size()))) {
      return false;
    }
    const auto x = levels_of(node.inputs[0]);
    if (!x) return false;
    std::vector<double> units = w->scales;
    for (double& unit : units) {
      unit *= x->scale;
      if (!(unit / target.scale < kMostFactor)) return false;
    }
    const auto out = static_cast<int64_t>(units.size());
    ValueId bias = kNone;
    if (node.inputs.size() > 2 && node.inputs[2] != kNone) {
      auto levels = int8_bias_of(graph_, old_, producers_, parameters_, node.inputs[2], units);
      if (!levels) return false;
      bias = add_constant(graph_.value(y).name + ".bias", std::move(*levels));
    }
    Tensor multiplier(DType::F32, Shape{out});
    for (int64_t i = 0; i < out; ++i) {
      multiplier.span<float>()[static_cast<size_t>(i)] =
          static_cast<float>(units[static_cast<size_t>(i)] / target.scale);
    }
    Attrs attrs = node.attrs;
    attrs.set("x_zero", x->zero);
    target.write(attrs);
    emit(node.op->name == "conv2d" ? "conv2d_int8" : "linear_int8",
         {x->levels, add_constant(graph_.value(y).name + ".weight", std::move(w->levels)), bias,
          add_constant(graph_.value(y).name + ".multiplier", std::move(multiplier))},
         y, std::move(attrs), node);
    return true;
  }

  bool emit_sum(const Node& node, const Target& target, ValueId y) {
    if (dims(node.inputs[0]) != dims(node.inputs[1])) return false;
    const auto a = levels_of(node.inputs[0]), b = levels_of(node.inputs[1]);
    if (!a || !b) return false;
    if (!(std::max(a->scale, b->scale) / target.scale < kMostFactor)) return false;
    Attrs attrs{{"a_zero", a->zero},
                {"b_zero", b->zero},
                {"a_multiplier", a->scale / target.scale},
                {"b_multiplier", b->scale / target.scale}};
    target.write(attrs);
    emit("add_int8", {a->levels, b->levels}, y, std::move(attrs), node);
    return true;
  }

  // A product of two, the second perhaps a factor for each channel.
  bool emit_gate(const Node& node, const Target& target, ValueId y) {
    ValueId left = node.inputs[0], right = node.inputs[1];
    if (dims(left) != dims(y)) std::swap(left, right);
    const Dims &image = dims(left), &factors = dims(right);
    const bool is_by_channel =
        image.size() == 4 && factors == Dims{image[0], image[1], Dim(1), Dim(1)};
    if (image != dims(y) || (factors != image && !is_by_channel)) return false;
    const auto a = levels_of(left), b = levels_of(right);
    if (!a || !b) return false;
    if (!(a->scale * b->scale / target.scale < kMostFactor)) return false;
    Attrs attrs{{"a_zero", a->zero},
                {"b_zero", b->zero},
                {"multiplier", a->scale * b->scale / target.scale}};
    target.write(attrs);
    emit("mul_int8", {a->levels, b->levels}, y, std::move(attrs), node);
    return true;
  }

  bool emit_mean(const Node& node, const Target& target, ValueId y) {
    const Dims image = dims(node.inputs[0]);
    Attrs attrs = node.attrs;
    if (node.op->name == "global_avg_pool") {
      attrs.set("kernel", std::vector<int64_t>{image[2].factor, image[3].factor});
    }
    if (!fits_mean(Window2d(attrs))) return false;
    const auto x = levels_of(node.inputs[0]);
    if (!x || !(x->scale / target.scale < kMostFactor)) return false;
    attrs.set("x_zero", x->zero);
    attrs.set("multiplier", x->scale / target.scale);
    target.write(attrs);
    if (node.op->name == "avg_pool2d") {
      emit("avg_pool2d_int8", {x->levels}, y, std::move(attrs), node);
      return true;
    }
    const ValueId pixel =
        add_value(graph_.value(y).name + ".pixel", {target.to, {image[0], image[1], 1, 1}});
    emit("avg_pool2d_int8", {x->levels}, pixel, std::move(attrs), node);
    emit("reshape", {pixel}, y, dims_attrs(dims(y)), node);
    return true;
  }

  // Levels of one scale can be chosen and moved as they are.
  bool emit_move(const Node& node, const Target& target, ValueId y) {
    if (target.is_clipped() || (node.outputs.size() > 1 && node.outputs[1] != kNone)) return false;
    std::vector<ValueId> inputs;
    for (ValueId id : node.inputs) {
      const auto x = levels_of(id);
      if (!x || !is_of(*x, target)) return false;
      inputs.push_back(x->levels);
    }
    Node moved = node;
    moved.inputs = std::move(inputs);
    moved.outputs[0] = y;
    nodes_.push_back(std::move(moved));
    return true;
  }

  Graph& graph_;
  const ParameterValues& parameters_;
  std::vector<Node> old_, nodes_;
  std::vector<NodeId> producers_;
  std::vector<size_t> uses_;
  std::map<ValueId, std::optional<LevelView>> levels_;  // of moved values
};

}  // namespace

Graph lower_int8(Graph graph, const ParameterValues& parameters) {
  const auto is_quantizing = [](const Node& node) {
    return node.op->name == "dequantize" || node.op->name == "quantize";
  };
  if (std::ranges::none_of(graph.nodes, is_quantizing)) return graph;
  graph = dead_code(std::move(graph));
  Int8Lowering lowering(graph, parameters);
  lowering.lower_quantized();
  graph = dead_code(std::move(graph));
  lowering.lower_to_floats();
  lowering.fold_weights();
  return dead_code(std::move(graph));
}

}  // namespace verge::graph
