// Sums, means and extremes over axes.

#include <limits>
#include <numeric>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

struct Reduction {
  std::vector<int64_t> axes;
  bool keep;

  graph::Attrs attrs() const { return {{"axes", axes}, {"keep", int64_t{keep}}}; }
  bool is_nothing() const { return axes.empty(); }
};

// Axes are an attribute, later an input; none are all, unless {noop_with_empty_axes}.
Result<Reduction> read_reduction(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  VERGE_TRY(std::vector<int64_t> axes, node.integers_of(1, "axes"));
  const int rank = node.rank(node.in(0));
  for (int64_t& axis : axes) {
    VERGE_TRY(axis, node.axis_of(axis, rank));
  }
  if (axes.empty() && node.integer("noop_with_empty_axes") == 0) {
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  return Reduction{std::move(axes), node.integer("keepdims", 1) != 0};
}

Value reduce(NodeContext& node, std::string_view op, Value x, const Reduction& reduction) {
  return reduction.is_nothing() ? x : node.emit(op, {x}, reduction.attrs());
}

template <const char* op>
Status plain(NodeContext& node) {
  VERGE_TRY(const Reduction reduction, read_reduction(node));
  node.set_output(0, reduce(node, op, node.in(0), reduction));
  return {};
}

constexpr char kMax[] = "reduce_max";
constexpr char kMean[] = "reduce_mean";
constexpr char kSum[] = "reduce_sum";

Value negative(NodeContext& node, Value x) {
  return node.emit("scale", {x}, {{"factor", -1.0}});
}

Status smallest(NodeContext& node) {
  VERGE_TRY(const Reduction reduction, read_reduction(node));
  const Value largest = reduce(node, kMax, negative(node, node.in(0)), reduction);
  node.set_output(0, negative(node, largest));
  return {};
}

Status sum_of_magnitudes(NodeContext& node) {
  VERGE_TRY(const Reduction reduction, read_reduction(node));
  const Value x = node.in(0);
  const Value magnitude = node.emit("maximum", {x, negative(node, x)});
  node.set_output(0, reduce(node, kSum, magnitude, reduction));
  return {};
}

Status sum_of_squares(NodeContext& node) {
  VERGE_TRY(const Reduction reduction, read_reduction(node));
  const Value x = node.in(0);
  node.set_output(0, reduce(node, kSum, node.emit("mul", {x, x}), reduction));
  return {};
}

Status length(NodeContext& node) {
  VERGE_TRY(const Reduction reduction, read_reduction(node));
  const Value x = node.in(0);
  const Value squares = reduce(node, kSum, node.emit("mul", {x, x}), reduction);
  node.set_output(0, node.emit("sqrt", {squares}));
  return {};
}

Status log_sum_exp(NodeContext& node) {
  VERGE_TRY(const Reduction reduction, read_reduction(node));
  const Value x = node.in(0);
  const Reduction kept{reduction.axes, true};
  // Finite, or infinities would leave inf - inf: of nothing but -inf the logarithm is -inf.
  const Value largest = node.emit("clip", {reduce(node, kMax, x, kept)},
                                  {{"min", double{-std::numeric_limits<float>::max()}},
                                   {"max", double{std::numeric_limits<float>::max()}}});
  const Value powers = node.emit("exp", {node.emit("sub", {x, largest})});
  const Value sum = node.emit("log", {reduce(node, kSum, powers, reduction)});
  if (node.failed()) return {};
  const Shape shape = node.shape(sum);
  const std::vector<int64_t> extents(shape.extents().begin(), shape.extents().end());
  node.set_output(0, node.emit("add", {sum, node.reshape(largest, extents)}));
  return {};
}

// Where along {axis} the largest element is: of those equal to it the first, or the last. Counted
// in floats by weights that are the larger the better the place.
Status place_of_extreme(NodeContext& node, bool of_largest) {
  constexpr int64_t kMostPlaces = 1 << 22;
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = of_largest ? node.in(0) : negative(node, node.in(0));
  const Shape shape = node.shape(node.in(0));
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis"), shape.rank()));
  const int64_t n = shape[axis];
  if (n > kMostPlaces) return node.unsupported(fmt::format("an axis of {}", n));
  const bool wants_last = node.integer("select_last_index") != 0;
  std::vector<double> weights;
  for (int64_t i = 0; i < n; ++i)
    weights.push_back(static_cast<double>(wants_last ? i + 1 : n - i));
  std::vector<int64_t> column(static_cast<size_t>(shape.rank()), 1);
  column[static_cast<size_t>(axis)] = n;
  const Value weight =
      node.constant(weights, Shape(std::span<const int64_t>(column)), ElementType::Float);
  const Value largest = reduce(node, kMax, x, {{axis}, true});
  if (node.failed()) return {};
  const Value is_largest = node.convert(
      node.emit_as(ElementType::Bool, "compare", {x, largest}, {{"op", std::string("eq")}}),
      ElementType::Float);
  if (node.failed()) return {};
  const Reduction over_axis{{axis}, node.integer("keepdims", 1) != 0};
  const Value best = reduce(node, kMax, node.emit("mul", {is_largest, weight}), over_axis);
  if (node.failed()) return {};
  const auto count = static_cast<double>(n);
  const Value place =
      node.emit("scale", {best},
                {{"factor", wants_last ? 1.0 : -1.0}, {"offset", wants_last ? -1.0 : count}});
  if (node.failed()) return {};
  const Value inside = node.emit("clip", {place}, {{"min", 0.0}, {"max", count - 1}});
  node.set_output(0, node.convert(inside, ElementType::Int64));
  return {};
}

template <bool of_largest>
Status place(NodeContext& node) {
  return place_of_extreme(node, of_largest);
}

constexpr OnnxOp kOps[] = {
    {"ArgMax", place<true>},          {"ArgMin", place<false>},
    {"ReduceL1", sum_of_magnitudes},  {"ReduceL2", length},
    {"ReduceLogSumExp", log_sum_exp}, {"ReduceMax", plain<kMax>},
    {"ReduceMean", plain<kMean>},     {"ReduceMin", smallest},
    {"ReduceSum", plain<kSum>},       {"ReduceSumSquare", sum_of_squares},
};

}  // namespace

OpGroup reductions() {
  return {kOps};
}

}  // namespace verge::onnx::ops
