#include <algorithm>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

Status infer_like_input(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  context.outputs = {{compute_dtype(context.type(0).dtype), context.dims(0)}};
  return {};
}

Status infer_same_shape(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  for (size_t i = 1; i < context.node.inputs.size(); ++i) {
    if (!context.has(i)) continue;
    VERGE_RETURN_IF_ERROR(expect_dims(context, i, fmt::format("input {}", i), context.dims(0)));
  }
  return infer_like_input(context);
}

Status infer_broadcast(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_TRY(Dims dims, broadcast_dims(context, context.dims(0), context.dims(1)));
  context.outputs = {{compute_dtype(context.type(0).dtype), dims}};
  return {};
}

Result<Dims> broadcast_dims(const InferContext& context, const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  const size_t offset = longer.size() - shorter.size();
  Dims dims = longer;
  for (size_t i = 0; i < shorter.size(); ++i) {
    Dim& dim = dims[offset + i];
    if (dim == Dim(1)) dim = shorter[i];
    if (shorter[i] == Dim(1) || shorter[i] == dim) continue;
    return context.fail(fmt::format("{} and {} differ along axis {}: {} and {}",
                                    show_dims(context.graph, a), show_dims(context.graph, b),
                                    offset + i, show_dim(context.graph, dim),
                                    show_dim(context.graph, shorter[i])));
  }
  return dims;
}

ValueId sum_to(Builder& builder, ValueId gradient, Dims dims) {
  if (gradient == kNone) return kNone;
  const Dims from = builder.type(gradient).dims;
  if (from == dims) return gradient;
  const size_t offset = from.size() - dims.size();
  std::vector<int64_t> axes;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (axis < offset || dims[axis - offset] != from[axis]) {
      axes.push_back(static_cast<int64_t>(axis));
    }
  }
  const ValueId sum = builder.op("reduce_sum", {gradient}, {{"axes", axes}, {"keep", int64_t{1}}});
  return offset == 0 ? sum : builder.op("reshape", {sum}, dims_attrs(dims));
}

ValueId emit_zero(Builder& builder, ValueId like) {
  if (builder.failed()) return kNone;
  return builder.constant("zero", Tensor(compute_dtype(builder.type(like).dtype), Shape{}));
}

void emit_choice_grad(GradientContext& context, std::string_view relation) {
  Builder& b = context.builder;
  const ValueId first =
      b.op("compare", {context.input(0), context.input(1)}, {{"op", std::string(relation)}});
  const ValueId dy = context.grad(), zero = emit_zero(b, dy);
  for (size_t i = 0; i < 2; ++i) {
    if (!context.needs(i)) continue;
    const ValueId share =
        i == 0 ? b.op("where", {first, dy, zero}) : b.op("where", {first, zero, dy});
    context.set(i, sum_to(b, share, b.type(context.input(i)).dims));
  }
}

std::vector<size_t> broadcast_indices(const Shape& from, const Shape& to) {
  const int offset = to.rank() - from.rank();
  std::vector<size_t> indices(static_cast<size_t>(to.count()));
  for (size_t i = 0; i < indices.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t index = 0, stride = 1;
    for (int axis = to.rank() - 1; axis >= offset; --axis) {
      const int64_t extent = from[axis - offset];
      index += (extent == 1 ? 0 : rest % to[axis]) * stride;
      stride *= extent;
      rest /= to[axis];
    }
    indices[i] = static_cast<size_t>(index);
  }
  return indices;
}

}  // namespace verge::graph
