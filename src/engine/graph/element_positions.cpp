#include <algorithm>
#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/element_positions.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

constexpr int64_t kNowhere = -1;

int64_t place_of(double index, int64_t extent, Beyond beyond) {
  const double n = static_cast<double>(extent), from_start = index < 0 ? index + n : index;
  const bool is_inside = from_start >= 0 && from_start < n;  // false for what is no number
  if (is_inside) return static_cast<int64_t>(from_start);
  if (beyond == Beyond::Nowhere) return kNowhere;
  return from_start >= n ? extent - 1 : 0;
}

std::vector<int64_t> strides_of(const Shape& shape) {
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()), 1);
  for (int axis = shape.rank() - 2; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = strides[static_cast<size_t>(axis) + 1] * shape[axis + 1];
  }
  return strides;
}

}  // namespace

Beyond beyond_of(const Attrs& attrs, Beyond usual) {
  if (!attrs.has("beyond")) return usual;
  return attrs.text("beyond") == name(Beyond::Nearest) ? Beyond::Nearest : Beyond::Nowhere;
}

std::string name(Beyond beyond) {
  return beyond == Beyond::Nearest ? "nearest" : "nowhere";
}

std::vector<int64_t> element_positions(const Shape& x, const TensorView& indices, int axis,
                                       Beyond beyond) {
  const std::vector<double> values = load(indices);
  const std::vector<int64_t> strides = strides_of(x);
  std::vector<int64_t> positions(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t at = 0;
    for (int a = x.rank() - 1; a >= 0; --a) {
      const int64_t own = rest % indices.shape[a];
      rest /= indices.shape[a];
      const int64_t place = a == axis ? place_of(values[i], x[axis], beyond) : own;
      at = place == kNowhere || at == kNowhere ? kNowhere
                                               : at + place * strides[static_cast<size_t>(a)];
    }
    positions[i] = at;
  }
  return positions;
}

int64_t slice_length(const Shape& x, const Shape& indices, int batch_axes) {
  int64_t length = 1;
  for (int axis = batch_axes + static_cast<int>(indices.back()); axis < x.rank(); ++axis) {
    length *= x[axis];
  }
  return length;
}

std::vector<int64_t> slice_positions(const Shape& x, const TensorView& indices, int batch_axes,
                                     Beyond beyond) {
  const std::vector<double> values = load(indices);
  const std::vector<int64_t> strides = strides_of(x);
  const auto k = static_cast<size_t>(indices.shape.back());
  const auto rows = static_cast<size_t>(indices.shape.rows());
  int64_t batches = 1;
  for (int axis = 0; axis < batch_axes; ++axis) batches *= x[axis];
  const int64_t batch_elements = batches == 0 ? 0 : x.count() / batches;
  std::vector<int64_t> positions(rows);
  for (size_t row = 0; row < rows; ++row) {
    const auto batch =
        static_cast<int64_t>(row / (rows / static_cast<size_t>(std::max<int64_t>(1, batches))));
    int64_t at = batch * batch_elements;
    for (size_t i = 0; i < k && at != kNowhere; ++i) {
      const int axis = batch_axes + static_cast<int>(i);
      const int64_t place = place_of(values[row * k + i], x[axis], beyond);
      at = place == kNowhere ? kNowhere : at + place * strides[static_cast<size_t>(axis)];
    }
    positions[row] = at;
  }
  return positions;
}

Result<Dims> picked_elements(const InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  const Dims &x = context.dims(0), &indices = context.dims(1);
  const int axis = from_front(context.node.attrs.integer("axis"), x.size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  if (is_quantized(context.type(0).dtype)) return context.fail("x is quantized");
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "indices", context.rank(0)));
  for (size_t a = 0; a < x.size(); ++a) {
    if (static_cast<int>(a) == axis || indices[a] == x[a]) continue;
    if (indices[a].is_constant() && x[a].is_constant() && indices[a].factor < x[a].factor) continue;
    return context.fail(fmt::format("indices are {}, x is {}: longer along axis {}",
                                    show_dims(context.graph, indices), show_dims(context.graph, x),
                                    a));
  }
  if (x[static_cast<size_t>(axis)] == Dim(0)) return context.fail("there is nothing to pick from");
  return indices;
}

Result<Dims> picked_slices(const InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 1, "indices", 1));
  const Dims &x = context.dims(0), &indices = context.dims(1);
  if (is_quantized(context.type(0).dtype)) return context.fail("x is quantized");
  const int64_t batch = context.node.attrs.integer("batch_axes");
  if (!indices.back().is_constant() || indices.back().factor < 1) {
    return context.fail("indices name no axis");
  }
  const auto rank = static_cast<int64_t>(x.size());
  if (batch < 0 || batch >= static_cast<int64_t>(indices.size()) ||
      indices.back().factor > rank - batch) {
    return context.fail(fmt::format("indices of {} axes for x {} with {} batch axes",
                                    indices.back().factor, show_dims(context.graph, x), batch));
  }
  for (size_t a = 0; a < static_cast<size_t>(batch); ++a) {
    VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "indices", static_cast<int>(a), x[a]));
  }
  for (int64_t a = batch; a < batch + indices.back().factor; ++a) {
    if (x[static_cast<size_t>(a)] == Dim(0)) return context.fail("there is nothing to pick from");
  }
  Dims dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), x.begin() + batch + indices.back().factor, x.end());
  return dims;
}

Status expect_reduction(const InferContext& context) {
  constexpr std::string_view kKnown[] = {"none", "add", "mul", "min", "max"};
  const std::string_view reduction = context.node.attrs.text("reduction", "none");
  if (std::ranges::count(kKnown, reduction) > 0) return {};
  return context.fail(
      fmt::format("reduction is \"{}\", not none, add, mul, min or max", reduction));
}

double reduced(std::string_view reduction, double before, double value) {
  if (reduction == "add") return before + value;
  if (reduction == "mul") return before * value;
  if (reduction == "min") return std::min(before, value);
  if (reduction == "max") return std::max(before, value);
  return value;
}

ValueId emit_zeros(Builder& builder, const Dims& dims, ValueId like) {
  return builder.op("broadcast_to", {emit_zero(builder, like)}, dims_attrs(dims));
}

}  // namespace verge::graph
