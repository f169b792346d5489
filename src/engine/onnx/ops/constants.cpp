// Values that need no input, types, and what passes them on.

#include <cmath>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

using format::onnx::Attribute;

constexpr int64_t kMostRange = 1 << 16;

std::vector<double> to_reals(const std::vector<int64_t>& integers) {
  return {integers.begin(), integers.end()};
}

Status constant(NodeContext& node) {
  const auto give = [&](Value value) -> Status {
    node.set_output(0, value);
    return {};
  };
  if (const Attribute* value = node.node().find("value"); value != nullptr && value->tensor) {
    VERGE_TRY(const Value tensor, node.stored(*value->tensor));
    return give(tensor);
  }
  if (node.has("value_float")) {
    return give(node.scalar(node.real("value_float"), ElementType::Float));
  }
  if (node.has("value_int")) {
    return give(node.scalar(static_cast<double>(node.integer("value_int")), ElementType::Int64));
  }
  if (const Attribute* reals = node.node().find("value_floats"); reals != nullptr) {
    const auto count = static_cast<int64_t>(reals->reals.size());
    return give(node.constant(reals->reals, Shape{count}, ElementType::Float));
  }
  if (node.has("value_ints")) {
    const std::vector<int64_t> integers = node.integers("value_ints");
    return give(node.constant(to_reals(integers), Shape{static_cast<int64_t>(integers.size())},
                              ElementType::Int64));
  }
  return node.unsupported("its value is sparse, a text, or missing");
}

Status constant_of_shape(NodeContext& node) {
  VERGE_TRY(const auto extents, node.known_integers(0));
  Value value = node.scalar(0, ElementType::Float);
  if (const Attribute* given = node.node().find("value"); given != nullptr && given->tensor) {
    VERGE_TRY(value, node.stored(*given->tensor));
    if (node.shape(value).count() != 1) return node.malformed("its value is not one element");
    value = node.reshape(value, {});
  }
  if (extents.size() > Shape::kMaxRank) return node.unsupported("more than 6 axes");
  for (int64_t extent : extents) {
    if (extent < 0) return node.malformed("an extent is negative");
  }
  node.set_output(0, node.broadcast(value, Shape(std::span<const int64_t>(extents))));
  return {};
}

Status range(NodeContext& node) {
  double bounds[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    VERGE_TRY(const auto values, node.known_reals(i));
    if (values.size() != 1) return node.malformed("its bounds are no single numbers");
    bounds[i] = values[0];
  }
  const double count = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
  if (!(count <= kMostRange)) return node.unsupported(fmt::format("it has {} elements", count));
  std::vector<double> values;
  for (int64_t i = 0; static_cast<double>(i) < count; ++i) {
    values.push_back(bounds[0] + static_cast<double>(i) * bounds[2]);
  }
  node.set_output(
      0, node.constant(values, Shape{static_cast<int64_t>(values.size())}, node.in(0).type));
  return {};
}

Status identity(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  node.set_output(0, node.in(0));
  return {};
}

Status dropout(NodeContext& node) {
  if (node.wants_output(1)) return node.unsupported("its mask is read; export it for inference");
  return identity(node);
}

Status cast_to(NodeContext& node, ElementType to) {
  if (element_bytes(to) == 0) return node.unsupported(fmt::format("to {}", name(to)));
  Value x = node.in(0);
  if (is_float(x.type) && !is_float(to) && to != ElementType::Bool) {
    x = node.emit("round", {x}, {{"mode", "trunc"}});
  }
  node.set_output(0, node.convert(x, to));
  return {};
}

Status cast(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  return cast_to(node, static_cast<ElementType>(node.integer("to")));
}

Status cast_like(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  return cast_to(node, node.in(1).type);
}

// The branch is chosen when the network is compiled.
Status choose(NodeContext& node) {
  VERGE_TRY(const auto condition, node.known_reals(0));
  if (condition.size() != 1) return node.malformed("its condition is no single value");
  const Attribute* branch = node.node().find(condition[0] != 0 ? "then_branch" : "else_branch");
  if (branch == nullptr || !branch->graph) return node.malformed("a branch is missing");
  return node.build_branch(*branch->graph);
}

constexpr OnnxOp kOps[] = {
    {"Cast", cast},         {"CastLike", cast_like},
    {"Constant", constant}, {"ConstantOfShape", constant_of_shape},
    {"Dropout", dropout},   {"Identity", identity},
    {"If", choose},         {"Range", range},
};

}  // namespace

OpGroup constants() {
  return {kOps};
}

}  // namespace verge::onnx::ops
