// Numbers as small integers: x = (q - zero_point) * scale, for a whole tensor or along one axis.
// What has constant scales becomes the Graph's quantize and dequantize, of which a pass makes
// operators on levels (graph/passes/lower_int8.hpp); all else is written out.

#include <algorithm>
#include <cmath>
#include <iterator>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>
#include <verge/engine/onnx/window.hpp>

namespace verge::onnx::ops {
namespace {

/// A scale or a zero point beside x, as floats: one number, or one for each place of {axis}.
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

bool is_byte(ElementType type) {
  return type == ElementType::Int8 || type == ElementType::Uint8;
}

bool is_zero(double value) {
  return value >= -128 && value <= 255;
}

struct Scales {
  std::vector<double> scales, zero_points;  // one, or one for each place of an axis
};

/// Those of x that are constants of a kind that the Graph's operators know; none for others.
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
      !std::ranges::all_of(found.zero_points, is_zero)) {
    return {};
  }
  return found;
}

/// The Graph's `dequantize` of levels.
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

bool is_weight(NodeContext& node, Value x) {
  return node.is_known(x) && (is_byte(x.type) || x.type == ElementType::Int32) && node.rank(x) > 0;
}

/// Input `x` less its zero point, times its scale, as floats; inputs that are absent count as 0
/// and 1.
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

Status dequantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.integer("block_size") != 0) return node.unsupported("block_size");
  VERGE_TRY(const Value x, real_of(node, 0, 1, 2, node.integer("axis", 1)));
  node.set_output(0, x);
  return {};
}

struct Range {
  ElementType type;
  double low, high;
};
constexpr Range kRanges[] = {{ElementType::Uint8, 0, 255},
                             {ElementType::Int8, -128, 127},
                             {ElementType::Uint16, 0, 65535},
                             {ElementType::Int16, -32768, 32767}};

// clip(round(x / scale) + zero_point) to what the type holds.
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

Status quantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const auto said = static_cast<ElementType>(node.integer("output_dtype", 0));
  const ElementType otherwise = said == ElementType::Undefined ? ElementType::Uint8 : said;
  const Value x = node.convert(node.in(0), ElementType::Float);
  if (node.failed()) return {};
  VERGE_TRY(const Value y,
            quantized(node, x, 1, 2, node.has_input(2) ? node.in(2).type : otherwise));
  node.set_output(0, y);
  return {};
}

/// The convolution of x and w, both as floats.
Result<Value> convolution(NodeContext& node, Value x, Value w, Value bias) {
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

// x, its scale and zero point, w and its, y's, bias i32 in units of x's scale times w's.
Status q_linear_conv(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(8));
  VERGE_TRY(const Value x, real_of(node, 0, 1, 2, 1));
  VERGE_TRY(const Value w, real_of(node, 3, 4, 5, 0));
  if (node.shape(node.in(1)).count() != 1) return node.unsupported("scales of x by channel");
  Value bias;
  if (node.has_input(8)) {
    const std::vector<double> units = node.is_known(node.in(4)) && node.is_known(node.in(1))
                                          ? node.values(node.in(4))
                                          : std::vector<double>{};
    if (units.empty() || !node.is_known(node.in(8))) return node.unsupported("a computed scale");
    Scales by{units, std::vector<double>(units.size())};
    for (double& unit : by.scales) unit *= node.values(node.in(1))[0];
    if (by.scales.size() != 1 &&
        static_cast<int64_t>(by.scales.size()) != node.shape(node.in(8)).count()) {
      return node.malformed("the scales of w are not as many as biases");
    }
    bias = dequantized(node, node.in(8), by, 0);
  }
  if (node.failed()) return {};
  VERGE_TRY(const Value y, convolution(node, x, w, bias));
  if (node.failed()) return {};
  VERGE_TRY(const Value levels, quantized(node, y, 6, 7, node.in(7).type));
  node.set_output(0, levels);
  return {};
}

/// a [..., k] by b [k, n].
Value product(NodeContext& node, Value a, Value b) {
  if (node.rank(b) != 2 || node.rank(a) < 1 || !node.is_constant(b)) {
    return node.emit("matmul", {a, b});
  }
  return node.emit_as(ElementType::Float, "linear", {a, node.transpose(b, {1, 0})});
}

Status q_linear_mat_mul(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(8));
  VERGE_TRY(const Value a, real_of(node, 0, 1, 2, node.rank(node.in(0)) - 2));
  VERGE_TRY(const Value b, real_of(node, 3, 4, 5, node.rank(node.in(3)) - 1));
  if (node.failed()) return {};
  const Value y = product(node, a, b);
  if (node.failed()) return {};
  VERGE_TRY(const Value levels, quantized(node, y, 6, 7, node.in(7).type));
  node.set_output(0, levels);
  return {};
}

// Whole numbers below it are exact in f32, however they are added. So many products of a level
// with another, less their zero points, stay below.
constexpr double kExact = 0x1p24;
constexpr int64_t kExactTerms = 258;

/// The zero points of `levels`, of its type; 0 without.
Result<std::vector<double>> known_zeros(NodeContext& node, size_t zero) {
  if (!node.has_input(zero)) return std::vector<double>{0};
  if (!is_byte(node.in(zero).type)) return node.malformed("a zero point that is no byte");
  return node.is_known(node.in(zero)) ? node.values(node.in(zero)) : std::vector<double>{};
}

/// Whether sums of `terms` products by the weight stay exact; `output_of` its element, the output.
template <typename F>
Result<bool> sums_are_exact(NodeContext& node, size_t weight, size_t zero, int64_t terms,
                            F output_of) {
  VERGE_TRY(const std::vector<double> zeros, known_zeros(node, zero));
  if (terms <= kExactTerms) return true;
  if (zeros.empty() || !node.is_known(node.in(weight))) return false;
  const std::vector<double> levels = node.values(node.in(weight));
  std::vector<double> sums;
  for (size_t i = 0; i < levels.size(); ++i) {
    const size_t output = output_of(i);
    if (output >= sums.size()) sums.resize(output + 1);
    sums[output] += 255 * std::abs(levels[i] - zeros[output % zeros.size()]);
  }
  return std::ranges::all_of(sums, [](double sum) { return sum < kExact; });
}

/// Levels less their zero point: dequantized by 1 where both are known and `as_levels`.
Result<Value> integers_of(NodeContext& node, size_t x, size_t zero, bool as_levels) {
  const Value levels = node.in(x);
  VERGE_TRY(const std::vector<double> zeros, known_zeros(node, zero));
  const bool are_levels = graph::is_level(node.dtype(levels)) && is_byte(levels.type);
  if (as_levels && zeros.size() == 1 && is_zero(zeros[0]) &&
      (are_levels || is_weight(node, levels))) {
    return dequantized(node, levels, {{1}, zeros}, 0);
  }
  Value real = node.convert(levels, ElementType::Float);
  if (!node.has_input(zero) || node.failed()) return real;
  const Value points = node.convert(node.in(zero), ElementType::Float);
  if (node.failed()) return Value{};
  return node.emit("sub",
                   {real, node.shape(points).count() == 1 ? node.reshape(points, {}) : points});
}

/// The sum, as integers, of make(first, count) over parts of `all` of at most `most`.
template <typename F>
Result<Value> sum_of_parts(NodeContext& node, int64_t all, int64_t most, F make) {
  Value sum;
  for (int64_t first = 0; first < all && !node.failed(); first += most) {
    VERGE_TRY(const Value part, make(first, std::min(most, all - first)));
    if (node.failed()) return Value{};
    const Value whole = node.convert(part, ElementType::Int32);
    sum = sum ? node.emit("add", {sum, whole}) : whole;
  }
  return sum;
}

Status conv_integer(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.has_input(3) && node.shape(node.in(3)).count() != 1) {
    return node.unsupported("zero points by channel");
  }
  const Shape weight = node.shape(node.in(1));
  if (weight.rank() < 3 || weight.count() == 0) return node.malformed("a weight of no taps");
  const int64_t terms = weight.count() / weight[0], taps = terms / weight[1];
  VERGE_TRY(const bool is_exact, sums_are_exact(node, 1, 3, terms, [&](size_t i) {
              return i / static_cast<size_t>(terms);
            }));
  VERGE_TRY(Value x, integers_of(node, 0, 2, is_exact));
  VERGE_TRY(Value w, integers_of(node, 1, 3, is_exact));
  if (node.failed()) return {};
  const bool has_parts = !is_exact && taps <= kExactTerms && node.integer("group", 1) == 1 &&
                         node.rank(x) == weight.rank() && node.shape(x)[1] == weight[1];
  if (!is_exact && !has_parts) {
    x = node.convert(x, ElementType::Double);
    w = node.convert(w, ElementType::Double);
  }
  const auto part = [&](int64_t first, int64_t count) -> Result<Value> {
    if (!has_parts) return convolution(node, x, w, {});
    return convolution(node, node.slice(x, 1, first, count), node.slice(w, 1, first, count), {});
  };
  VERGE_TRY(const Value y, has_parts ? sum_of_parts(node, weight[1], kExactTerms / taps, part)
                                     : sum_of_parts(node, 1, 1, part));
  if (!node.failed()) node.set_output(0, y);
  return {};
}

Status mat_mul_integer(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.has_input(2) && node.shape(node.in(2)).count() != 1) {
    return node.unsupported("zero points by row");
  }
  const Shape weight = node.shape(node.in(1));
  if (weight.rank() < 1 || weight.count() == 0 || node.rank(node.in(0)) < 1) {
    return node.malformed("a product of no matrices");
  }
  const int axis = std::max(weight.rank() - 2, 0);
  const int64_t terms = weight[axis], columns = weight.rank() < 2 ? 1 : weight[axis + 1];
  VERGE_TRY(const bool is_exact, sums_are_exact(node, 1, 3, terms, [&](size_t i) {
              return i / static_cast<size_t>(terms * columns) * static_cast<size_t>(columns) +
                     i % static_cast<size_t>(columns);
            }));
  VERGE_TRY(const Value a, integers_of(node, 0, 2, is_exact));
  VERGE_TRY(const Value b, integers_of(node, 1, 3, is_exact));
  if (node.failed()) return {};
  const int last = node.rank(a) - 1;
  const auto part = [&](int64_t first, int64_t count) -> Result<Value> {
    if (count == terms || node.shape(a)[last] != terms) return product(node, a, b);
    return product(node, node.slice(a, last, first, count), node.slice(b, axis, first, count));
  };
  VERGE_TRY(const Value y, sum_of_parts(node, terms, is_exact ? terms : kExactTerms, part));
  if (!node.failed()) node.set_output(0, y);
  return {};
}

// The scale of 255 steps between the least and the largest of x and 0, the level of 0, and x so.
Status dynamic_quantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = node.in(0), zero = node.scalar(0, ElementType::Float);
  const auto extreme = [&](double sign) {  // of sign * x and 0
    const Value all = node.reshape(x, {node.shape(x).count()});
    const Value turned = node.emit("scale", {all}, {{"factor", sign}});
    if (node.failed()) return Value{};
    const Value most = node.emit("reduce_max", {turned}, {{"axes", std::vector<int64_t>{0}}});
    return node.failed() ? Value{} : node.emit("maximum", {node.reshape(most, {}), zero});
  };
  const Value high = extreme(1), low = extreme(-1);  // low: the depth below 0
  if (node.failed()) return {};
  const Value scale = node.emit("scale", {node.emit("add", {high, low})}, {{"factor", 1.0 / 255}});
  if (node.failed()) return {};
  const Value steps = node.emit("div", {low, scale});
  if (node.failed()) return {};
  Value zero_point = node.emit("round", {steps}, {{"mode", std::string("even")}});
  if (node.failed()) return {};
  const Value rounded =
      node.emit("round", {node.emit("div", {x, scale})}, {{"mode", std::string("even")}});
  if (node.failed()) return {};
  const Value y =
      node.emit("clip", {node.emit("add", {rounded, zero_point})}, {{"min", 0.0}, {"max", 255.0}});
  node.set_output(0, node.convert(y, ElementType::Uint8));
  node.set_output(1, scale);
  node.set_output(2, node.convert(zero_point, ElementType::Uint8));
  return {};
}

constexpr OnnxOp kOps[] = {{"ConvInteger", conv_integer},
                           {"DequantizeLinear", dequantize},
                           {"DynamicQuantizeLinear", dynamic_quantize},
                           {"MatMulInteger", mat_mul_integer},
                           {"QLinearConv", q_linear_conv},
                           {"QLinearMatMul", q_linear_mat_mul},
                           {"QuantizeLinear", quantize}};

}  // namespace

OpGroup quantization() {
  return {kOps};
}

}  // namespace verge::onnx::ops
