#include <algorithm>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/passes/level_forms.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

// Integers of 32 bits hold the sums of a window (avg_pool2d_int8).
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

bool emit_sum(LevelGraph& g, const Node& node, const LevelTarget& target, ValueId y) {
  if (g.dims(node.inputs[0]) != g.dims(node.inputs[1])) return false;
  const auto a = g.levels_of(node.inputs[0]), b = g.levels_of(node.inputs[1]);
  if (!a || !b || !target.holds(std::max(a->scale, b->scale))) return false;
  Attrs attrs{{"a_zero", a->zero},
              {"b_zero", b->zero},
              {"a_multiplier", a->scale / target.scale},
              {"b_multiplier", b->scale / target.scale}};
  target.write(attrs);
  g.emit("add_int8", {a->levels, b->levels}, y, std::move(attrs), node);
  return true;
}

// A product of two, the second perhaps a factor for each channel.
bool emit_gate(LevelGraph& g, const Node& node, const LevelTarget& target, ValueId y) {
  ValueId left = node.inputs[0], right = node.inputs[1];
  if (g.dims(left) != g.dims(y)) std::swap(left, right);
  const Dims &image = g.dims(left), &factors = g.dims(right);
  const bool is_by_channel =
      image.size() == 4 && factors == Dims{image[0], image[1], Dim(1), Dim(1)};
  if (image != g.dims(y) || (factors != image && !is_by_channel)) return false;
  const auto a = g.levels_of(left), b = g.levels_of(right);
  if (!a || !b || !target.holds(a->scale * b->scale)) return false;
  Attrs attrs{
      {"a_zero", a->zero}, {"b_zero", b->zero}, {"multiplier", a->scale * b->scale / target.scale}};
  target.write(attrs);
  g.emit("mul_int8", {a->levels, b->levels}, y, std::move(attrs), node);
  return true;
}

bool emit_mean(LevelGraph& g, const Node& node, const LevelTarget& target, ValueId y) {
  const Dims image = g.dims(node.inputs[0]);
  Attrs attrs = node.attrs;
  if (node.op->name == "global_avg_pool") {
    attrs.set("kernel", std::vector<int64_t>{image[2].factor, image[3].factor});
  }
  if (!fits_mean(Window2d(attrs))) return false;
  const auto x = g.levels_of(node.inputs[0]);
  if (!x || !target.holds(x->scale)) return false;
  attrs.set("x_zero", x->zero);
  attrs.set("multiplier", x->scale / target.scale);
  target.write(attrs);
  if (node.op->name == "avg_pool2d") {
    g.emit("avg_pool2d_int8", {x->levels}, y, std::move(attrs), node);
    return true;
  }
  const ValueId pixel = g.add_value(y, "pixel", {target.to, {image[0], image[1], 1, 1}});
  g.emit("avg_pool2d_int8", {x->levels}, pixel, std::move(attrs), node);
  g.emit("reshape", {pixel}, y, dims_attrs(g.dims(y)), node);
  return true;
}

// Levels of one scale can be chosen and moved as they are.
bool emit_choice(LevelGraph& g, const Node& node, const LevelTarget& target, ValueId y) {
  if (target.is_clipped() || (node.outputs.size() > 1 && node.outputs[1] != kNone)) return false;
  Node moved = node;
  const size_t count = node.op->name == "concat" ? node.inputs.size() : 1;
  for (size_t i = 0; i < count; ++i) {
    const auto x = g.levels_of(node.inputs[i]);
    if (!x || !g.is_of(*x, target)) return false;
    moved.inputs[i] = x->levels;
  }
  moved.outputs[0] = y;
  g.keep(std::move(moved));
  return true;
}

}  // namespace

bool emit_level_product(LevelGraph& g, const Node& node, const LevelTarget& target, ValueId y) {
  if (!is_plain_product(node)) return false;
  auto w = g.weight(node.inputs[1]);
  if (!w || !fits_sum(static_cast<double>(w->levels.shape().count()) /
                      static_cast<double>(w->scales.size()))) {
    return false;
  }
  const auto x = g.levels_of(node.inputs[0]);
  if (!x) return false;
  std::vector<double> units = w->scales;
  for (double& unit : units) {
    unit *= x->scale;
    if (!target.holds(unit)) return false;
  }
  ValueId bias = kNone;
  if (node.inputs.size() > 2 && node.inputs[2] != kNone) {
    auto levels = g.bias(node.inputs[2], units);
    if (!levels) return false;
    bias = g.add_constant(y, "bias", std::move(*levels));
  }
  Tensor multiplier(DType::F32, Shape{static_cast<int64_t>(units.size())});
  std::ranges::transform(units, multiplier.span<float>().begin(),
                         [&](double unit) { return static_cast<float>(unit / target.scale); });
  Attrs attrs = node.attrs;
  attrs.set("x_zero", x->zero);
  target.write(attrs);
  g.emit(node.op->name == "conv2d" ? "conv2d_int8" : "linear_int8",
         {x->levels, g.add_constant(y, "weight", std::move(w->levels)), bias,
          g.add_constant(y, "multiplier", std::move(multiplier))},
         y, std::move(attrs), node);
  return true;
}

bool emit_level_form(LevelGraph& g, const Node& node, const LevelTarget& target, ValueId y) {
  const std::string_view op = node.op->name;
  if (op == "conv2d" || op == "linear") return emit_level_product(g, node, target, y);
  if (op == "add") return emit_sum(g, node, target, y);
  if (op == "mul") return emit_gate(g, node, target, y);
  if (op == "avg_pool2d" || op == "global_avg_pool") return emit_mean(g, node, target, y);
  constexpr std::string_view kChoices[] = {"concat", "gather", "max_pool2d", "slice", "transpose"};
  return std::ranges::count(kChoices, op) > 0 && emit_choice(g, node, target, y);
}

}  // namespace verge::graph
