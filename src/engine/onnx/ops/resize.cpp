// Resize and Upsample: along one axis after the other, each result from one, two or four elements.

#include <algorithm>
#include <cmath>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

constexpr int64_t kMostExtent = 1 << 16;

struct Scaling {
  std::string mode, coordinates, rounding;
  double cubic = -0.75;
  bool exclude_outside = false;
};

struct ScaledAxis {
  int axis;
  int64_t from, to;
  double scale;
};

// Where in the input a position of the result lies.
Result<double> source_of(NodeContext& node, const Scaling& scaling, const ScaledAxis& axis,
                         int64_t position) {
  const auto at = static_cast<double>(position), from = static_cast<double>(axis.from);
  const auto to = static_cast<double>(axis.to);
  const std::string& mode = scaling.coordinates;
  if (mode == "asymmetric") return at / axis.scale;
  if (mode == "align_corners") return axis.to == 1 ? 0 : at * (from - 1) / (to - 1);
  if (mode == "pytorch_half_pixel" && axis.to == 1) return 0.0;
  if (mode == "half_pixel" || mode == "pytorch_half_pixel") return (at + 0.5) / axis.scale - 0.5;
  if (mode == "tf_half_pixel_for_nn") return (at + 0.5) / axis.scale;
  if (mode == "half_pixel_symmetric") {
    const double adjustment = to / (axis.scale * from);
    return from / 2 * (1 - adjustment) + (at + 0.5) / axis.scale - 0.5;
  }
  return node.unsupported(fmt::format("coordinate_transformation_mode \"{}\"", mode));
}

double nearest(const std::string& rounding, double x) {
  if (rounding == "floor") return std::floor(x);
  if (rounding == "ceil") return std::ceil(x);
  if (rounding == "round_prefer_ceil") return std::floor(x + 0.5);
  return std::ceil(x - 0.5);  // round_prefer_floor
}

// The weights of the elements around x, from `first` on.
struct Taps {
  int64_t first;
  std::vector<double> weights;
};

Taps taps_of(const Scaling& scaling, double x) {
  if (scaling.mode == "nearest") {
    return {static_cast<int64_t>(nearest(scaling.rounding, x)), {1}};
  }
  const double base = std::floor(x), t = x - base;
  if (scaling.mode == "linear") return {static_cast<int64_t>(base), {1 - t, t}};
  // Keys 1981, "Cubic convolution interpolation", with a = {cubic_coeff_a}.
  const double a = scaling.cubic;
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {static_cast<int64_t>(base) - 1, {far(t + 1), near(t), near(1 - t), far(2 - t)}};
}

// Elements outside of the image are those at its edge, or count for nothing.
void drop_outside(Taps& taps, int64_t extent) {
  double sum = 0;
  for (size_t k = 0; k < taps.weights.size(); ++k) {
    const int64_t at = taps.first + static_cast<int64_t>(k);
    if (at < 0 || at >= extent) taps.weights[k] = 0;
    sum += taps.weights[k];
  }
  for (double& weight : taps.weights) weight /= sum;
}

Result<Value> scale_axis(NodeContext& node, const Scaling& scaling, Value x,
                         const ScaledAxis& axis) {
  std::vector<std::vector<int64_t>> positions;
  std::vector<std::vector<double>> weights;
  for (int64_t i = 0; i < axis.to; ++i) {
    VERGE_TRY(const double source, source_of(node, scaling, axis, i));
    Taps taps = taps_of(scaling, source);
    if (scaling.exclude_outside) drop_outside(taps, axis.from);
    positions.resize(taps.weights.size());
    weights.resize(taps.weights.size());
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      const int64_t at = taps.first + static_cast<int64_t>(k);
      positions[k].push_back(std::clamp(at, int64_t{0}, axis.from - 1));
      weights[k].push_back(taps.weights[k]);
    }
  }
  if (positions.size() == 1) return node.gather(x, axis.axis, positions[0]);
  std::vector<int64_t> column(static_cast<size_t>(node.rank(x)), 1);
  column[static_cast<size_t>(axis.axis)] = axis.to;
  const Shape shape{std::span<const int64_t>(column)};
  Value sum;
  for (size_t k = 0; k < positions.size(); ++k) {
    const Value weight = node.constant(weights[k], shape, x.type);
    const Value part = node.emit("mul", {node.gather(x, axis.axis, positions[k]), weight});
    sum = k == 0 ? part : node.emit("add", {sum, part});
  }
  return sum;
}

// Factors or extents for each axis that is named.
Result<std::vector<ScaledAxis>> read_axes(NodeContext& node, size_t scales_input,
                                          size_t sizes_input) {
  const Shape x = node.shape(node.in(0));
  std::vector<double> scales;
  std::vector<int64_t> sizes, axes = node.integers("axes");
  if (node.has_input(sizes_input) && sizes_input > 0) {
    VERGE_TRY(sizes, node.known_integers(sizes_input));
  }
  if (sizes.empty() && node.has_input(scales_input)) {
    VERGE_TRY(scales, node.known_reals(scales_input));
  } else if (const auto* given = node.node().find("scales"); sizes.empty() && given != nullptr) {
    scales = given->reals;
  }
  if (axes.empty()) {
    for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  }
  if (axes.size() != (sizes.empty() ? scales.size() : sizes.size())) {
    return node.malformed("its scales or sizes do not fit the axes");
  }
  std::vector<ScaledAxis> scaled;
  for (size_t i = 0; i < axes.size(); ++i) {
    VERGE_TRY(const int axis, node.axis_of(axes[i], x.rank()));
    const auto from = static_cast<double>(x[axis]);
    const double to = sizes.empty() ? std::floor(from * scales[i]) : static_cast<double>(sizes[i]);
    if (!(from >= 1 && to >= 1 && to <= kMostExtent)) {
      return node.malformed(fmt::format("axis {} of {} becomes {}", axis, from, to));
    }
    const double scale = sizes.empty() ? scales[i] : to / from;
    if (to != from || scale != 1)
      scaled.push_back({axis, x[axis], static_cast<int64_t>(to), scale});
  }
  return scaled;
}

Status run(NodeContext& node, const Scaling& scaling, size_t scales_input, size_t sizes_input) {
  if (scaling.mode != "nearest" && scaling.mode != "linear" && scaling.mode != "cubic") {
    return node.unsupported(fmt::format("mode \"{}\"", scaling.mode));
  }
  VERGE_TRY(const auto axes, read_axes(node, scales_input, sizes_input));
  Value y = node.in(0);
  for (const ScaledAxis& axis : axes) {
    VERGE_TRY(y, scale_axis(node, scaling, y, axis));
  }
  node.set_output(0, y);
  return {};
}

Status resize_by_mode(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const bool is_first = node.opset() < 11;  // without coordinates: those of Upsample
  if (node.integer("antialias") != 0) return node.unsupported("antialias");
  if (node.text("keep_aspect_ratio_policy", "stretch") != "stretch") {
    return node.unsupported("keep_aspect_ratio_policy");
  }
  const Scaling scaling{
      .mode = node.text("mode", "nearest"),
      .coordinates =
          node.text("coordinate_transformation_mode", is_first ? "asymmetric" : "half_pixel"),
      .rounding = node.text("nearest_mode", is_first ? "floor" : "round_prefer_floor"),
      .cubic = node.real("cubic_coeff_a", -0.75),
      .exclude_outside = node.integer("exclude_outside") != 0};
  return run(node, scaling, is_first ? 1 : 2, is_first ? 0 : 3);
}

Status upsample(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Scaling scaling{
      .mode = node.text("mode", "nearest"), .coordinates = "asymmetric", .rounding = "floor"};
  return run(node, scaling, 1, 0);
}

constexpr OnnxOp kOps[] = {{"Resize", resize_by_mode}, {"Upsample", upsample}};

}  // namespace

OpGroup resize() {
  return {kOps};
}

}  // namespace verge::onnx::ops
