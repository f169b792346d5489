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

constexpr OnnxOp kOps[] = {
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
