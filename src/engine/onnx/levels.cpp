#include <algorithm>
#include <iterator>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/onnx/levels.hpp>
#include <verge/engine/onnx/window.hpp>

namespace verge::onnx {
namespace {

// A scale or a zero point beside x, as floats: one number, or one for each place of {axis}.
Result<Value> beside(NodeContext& node, Value quantized, size_t input) {
  const Shape x = node.shape(quantized);
  const Value v = node.convert(node.in(input), ElementType::Float);
  if (node.shape(v).count() == 1) return node.reshape(v, {});
  if (node.integer("block_size") != 0) return node.unsupported("block_size");
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis", 1), x.rank()));
  if (node.shape(v) != Shape{x[axis]}) {
    return node.malformed(
        fmt::format("input {} is {}, axis {} has {}", input, node.shape(v).str(), axis, x[axis]));
  }
  std::vector<int64_t> column(static_cast<size_t>(x.rank()), 1);
  column[static_cast<size_t>(axis)] = x[axis];
  return node.reshape(v, column);
}

// Those of x that are constants of a kind that the Graph's operators know; none for others.
std::optional<Scales> constant_scales(NodeContext& node, Value x, size_t scale, size_t zero,
                                      int64_t axis) {
  const bool has_zero = node.has_input(zero);
  if (!node.is_known(node.in(scale)) || (has_zero && !node.is_known(node.in(zero)))) return {};
  Scales found{node.values(node.in(scale)), {}};
  found.zero_points = has_zero ? node.values(node.in(zero)) : std::vector<double>{0};
  const int rank = node.rank(x);
  const int64_t at = axis < 0 ? axis + rank : axis;
  const bool is_one = found.scales.size() == 1;
  if (!is_one &&
      (at < 0 || at >= rank ||
       node.shape(x)[static_cast<int>(at)] != static_cast<int64_t>(found.scales.size()))) {
    return {};
  }
  if (found.zero_points.size() == 1)
    found.zero_points.resize(found.scales.size(), found.zero_points[0]);
  const auto is_scale = [](double value) { return value > 0 && value < 1e30; };
  if (found.zero_points.size() != found.scales.size() ||
      !std::ranges::all_of(found.scales, is_scale) ||
      !std::ranges::all_of(found.zero_points, is_zero_point)) {
    return {};
  }
  return found;
}

struct Range {
  ElementType type;
  double low, high;
};
constexpr Range kRanges[] = {{ElementType::Uint8, 0, 255},
                             {ElementType::Int8, -128, 127},
                             {ElementType::Uint16, 0, 65535},
                             {ElementType::Int16, -32768, 32767}};

}  // namespace

bool is_byte(ElementType type) {
  return type == ElementType::Int8 || type == ElementType::Uint8;
}

bool is_zero_point(double value) {
  return value >= -128 && value <= 255;
}

bool is_weight(NodeContext& node, Value x) {
  return node.is_known(x) && (is_byte(x.type) || x.type == ElementType::Int32) && node.rank(x) > 0;
}

Value dequantized(NodeContext& node, Value x, const Scales& by, int64_t axis) {
  if (node.is_known(x)) x = node.levels(node.values(x), node.shape(x), x.type);
  if (by.scales.size() == 1) {
    return node.emit_as_written(
        ElementType::Float, "dequantize", {x},
        {{"scale", by.scales[0]}, {"zero_point", static_cast<int64_t>(by.zero_points[0])}});
  }
  const Shape places{static_cast<int64_t>(by.scales.size())};
  return node.emit_as_written(ElementType::Float, "dequantize",
                              {x, node.constant(by.scales, places, ElementType::Float),
                               node.levels(by.zero_points, places, ElementType::Int32)},
                              {{"axis", axis}});
}

Result<Value> real_of(NodeContext& node, size_t x, size_t scale, size_t zero, int64_t axis) {
  const Value levels = node.in(x);
  const bool are_levels = graph::is_level(node.dtype(levels)) && is_byte(levels.type);
  if (node.has_input(scale) && (is_weight(node, levels) || are_levels)) {
    const auto by = constant_scales(node, levels, scale, zero, axis);
    if (by && (by->scales.size() == 1 || is_weight(node, levels))) {
      return dequantized(node, levels, *by, axis);
    }
  }
  Value real = node.convert(levels, ElementType::Float);
  if (node.has_input(zero)) {
    VERGE_TRY(const Value zero_point, beside(node, levels, zero));
    if (node.failed()) return Value{};
    real = node.emit("sub", {real, zero_point});
  }
  if (!node.has_input(scale)) return real;
  VERGE_TRY(const Value factor, beside(node, levels, scale));
  return node.failed() ? Value{} : node.emit("mul", {real, factor});
}

Result<Value> quantized(NodeContext& node, Value x, size_t scale_input, size_t zero_input,
                        ElementType type) {
  const auto* range = std::ranges::find(kRanges, type, &Range::type);
  if (range == std::end(kRanges)) {
    return node.unsupported(fmt::format("integers of {}", format::onnx::name(type)));
  }
  if (!node.is_known(x) && is_byte(type)) {
    const auto by = constant_scales(node, x, scale_input, zero_input, 0);
    if (by && by->scales.size() == 1) {
      return node.emit_as(type, "quantize", {x},
                          {{"scale", by->scales[0]},
                           {"zero_point", static_cast<int64_t>(by->zero_points[0])},
                           {"to", std::string(type == ElementType::Int8 ? "i8" : "u8")}});
    }
  }
  VERGE_TRY(const Value scale, beside(node, x, scale_input));
  if (node.failed()) return Value{};
  const Value steps = node.emit("div", {x, scale});
  if (node.failed()) return Value{};
  Value y = node.emit("round", {steps}, {{"mode", std::string("even")}});
  if (node.has_input(zero_input)) {
    VERGE_TRY(const Value zero_point, beside(node, x, zero_input));
    if (node.failed()) return Value{};
    y = node.emit("add", {y, zero_point});
  }
  if (node.failed()) return Value{};
  y = node.emit("clip", {y}, {{"min", range->low}, {"max", range->high}});
  return node.convert(y, type);
}

Result<Value> level_convolution(NodeContext& node, Value x, Value w, Value bias) {
  const Shape weight = node.shape(w);
  if (weight.rank() < 3 || weight.rank() != node.rank(x)) {
    return node.unsupported(
        fmt::format("x is {}, its weight {}", node.shape(x).str(), weight.str()));
  }
  VERGE_TRY(Window window,
            read_window(node, x, {weight.extents().begin() + 2, weight.extents().end()}));
  const Value image = as_image(node, x), taps = as_image(node, w);
  window.clamp_strides(node.shape(image));
  graph::Attrs attrs = window.attrs();
  attrs.set("groups", std::clamp<int64_t>(node.integer("group", 1), 0, 1 << 20));
  return from_image(node, window, node.emit("conv2d", {image, taps, bias}, std::move(attrs)));
}

Value level_product(NodeContext& node, Value a, Value b) {
  if (node.rank(b) != 2 || node.rank(a) < 1 || !node.is_constant(b)) {
    return node.emit("matmul", {a, b});
  }
  return node.emit_as(ElementType::Float, "linear", {a, node.transpose(b, {1, 0})});
}

}  // namespace verge::onnx
