// Single elements and slices by computed places, and back; the largest elements; loops of boxes.

#include <algorithm>
#include <cmath>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

// Known indices beyond x are a mistake of the file's.
Status expect_indices(NodeContext& node, Value indices, std::span<const int64_t> extents) {
  if (!node.is_known(indices)) return {};
  const std::vector<double> values = node.values(indices);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto n = static_cast<double>(extents[i % extents.size()]);
    if (values[i] >= -n && values[i] < n) continue;
    return node.malformed(fmt::format("index {} of {}", values[i], n));
  }
  return {};
}

Result<graph::Attrs> element_attrs(NodeContext& node) {
  const Value x = node.in(0), indices = node.in(1);
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis"), node.rank(x)));
  const int64_t extent = node.shape(x)[axis];
  VERGE_RETURN_IF_ERROR(expect_indices(node, indices, {&extent, 1}));
  return graph::Attrs{{"axis", int64_t{axis}}};
}

Result<graph::Attrs> slice_attrs(NodeContext& node, int64_t batch_axes) {
  const std::vector<int64_t> x = to_list(node.shape(node.in(0))),
                             indices = to_list(node.shape(node.in(1)));
  const auto rank = static_cast<int64_t>(x.size());
  if (batch_axes < 0 || indices.empty() || indices.back() < 1 ||
      batch_axes + indices.back() > rank) {
    return node.malformed(
        fmt::format("indices [{}] into [{}]", fmt::join(indices, ", "), fmt::join(x, ", ")));
  }
  VERGE_RETURN_IF_ERROR(expect_indices(
      node, node.in(1),
      std::span(x).subspan(static_cast<size_t>(batch_axes), static_cast<size_t>(indices.back()))));
  return graph::Attrs{{"batch_axes", batch_axes}};
}

Status gather_elements(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  VERGE_TRY(const graph::Attrs attrs, element_attrs(node));
  node.set_output(0, node.emit("gather_elements", {node.in(0), node.in(1)}, attrs));
  return {};
}

Status gather_nd(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  VERGE_TRY(const graph::Attrs attrs, slice_attrs(node, node.integer("batch_dims")));
  node.set_output(0, node.emit("gather_nd", {node.in(0), node.in(1)}, attrs));
  return {};
}

Status scatter(NodeContext& node, std::string_view op, graph::Attrs attrs) {
  attrs.set("reduction", node.text("reduction", "none"));
  node.set_output(0, node.emit(op, {node.in(0), node.in(1), node.in(2)}, attrs));
  return {};
}

Status scatter_elements(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(3));
  VERGE_TRY(const graph::Attrs attrs, element_attrs(node));
  return scatter(node, "scatter_elements", attrs);
}

Status scatter_nd(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(3));
  VERGE_TRY(const graph::Attrs attrs, slice_attrs(node, 0));
  return scatter(node, "scatter_nd", attrs);
}

Value as_integers(NodeContext& node, Value x) {
  if (node.failed()) return {};
  return node.emit_as(ElementType::Int64, "cast", {x}, {{"to", std::string(name(DType::F64))}});
}

Status top_k(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = node.in(0);
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis", -1), node.rank(x)));
  int64_t k = node.integer("k");  // before opset 10
  if (node.has_input(1)) {
    VERGE_TRY(const auto given, node.known_integers(1));
    if (given.size() != 1) return node.malformed("k is no single number");
    k = given[0];
  }
  const ElementType types[] = {x.type, ElementType::Int64};
  const std::vector<Value> found = node.emit_all(
      "top_k", {x}, {{"axis", int64_t{axis}}, {"k", k}, {"largest", node.integer("largest", 1)}},
      types);
  if (found.empty()) return {};
  node.set_output(0, found[0]);
  if (node.wants_output(1)) node.set_output(1, as_integers(node, found[1]));
  return {};
}

Result<std::optional<double>> single(NodeContext& node, size_t input) {
  if (!node.has_input(input)) return std::optional<double>();
  VERGE_TRY(const auto values, node.known_reals(input));
  if (values.size() != 1 || std::isnan(values[0])) {
    return node.malformed(fmt::format("input {} is no single number", input));
  }
  return std::optional<double>(values[0]);
}

// The rows that it selects come first; the others are -1 (open_rows.hpp).
Status non_max_suppression(NodeContext& node) {
  constexpr double kMostBoxes = 1 << 20;
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  VERGE_TRY(const auto most, single(node, 2));
  VERGE_TRY(const auto iou, single(node, 3));
  VERGE_TRY(const auto score, single(node, 4));
  graph::Attrs attrs = {
      {"most", static_cast<int64_t>(std::clamp(most.value_or(0), 0.0, kMostBoxes))},
      {"iou", iou.value_or(0)},
      {"centers", node.integer("center_point_box")}};
  if (score) attrs.set("score", *score);
  const ElementType types[] = {ElementType::Int64, ElementType::Int64};
  const auto found =
      node.emit_all("non_max_suppression", {node.in(0), node.in(1)}, std::move(attrs), types);
  if (found.empty()) return {};
  node.open_rows(found[0], {.axis = 0, .count = found[1].id});
  node.set_output(0, as_integers(node, found[0]));
  return {};
}

constexpr OnnxOp kOps[] = {
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"NonMaxSuppression", non_max_suppression},
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TopK", top_k},
};

}  // namespace

OpGroup picking() {
  return {kOps};
}

}  // namespace verge::onnx::ops
