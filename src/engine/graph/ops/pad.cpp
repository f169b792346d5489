// x with {before[i], after[i]} elements of {value} added along each axis i.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const auto &before = context.node.attrs.list("before"), &after = context.node.attrs.list("after");
  Dims dims = context.dims(0);
  if (before.size() != dims.size() || after.size() != dims.size()) {
    return context.fail(fmt::format("before and after have {} and {} entries for {} axes",
                                    before.size(), after.size(), dims.size()));
  }
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const int64_t added = before[axis] + after[axis];
    if (added == 0) continue;
    if (!dims[axis].is_constant() || before[axis] < 0 || after[axis] < 0) {
      return context.fail(fmt::format("axis {} of extent {} cannot be padded by {} and {}", axis,
                                      show_dim(context.graph, dims[axis]), before[axis],
                                      after[axis]));
    }
    dims[axis].factor += added;
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), dims}};
  return {};
}

// Needs nothing: dy without its borders.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const Dims x = b.type(context.input(0)).dims;
  const auto& before = context.node.attrs.list("before");
  const auto& after = context.node.attrs.list("after");
  ValueId dx = context.grad();
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (before[axis] + after[axis] == 0) continue;
    dx = b.op(
        "slice", {dx},
        {{"axis", static_cast<int64_t>(axis)}, {"start", before[axis]}, {"size", x[axis].factor}});
  }
  context.set(0, dx);
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const Shape &from = call.in(0).shape, &to = call.out().shape;
  const auto& before = call.attrs.list("before");
  std::vector<double> y(static_cast<size_t>(to.count()), call.attrs.real("value", 0));
  for (size_t i = 0; i < x.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t at = 0, stride = 1;
    for (int axis = from.rank() - 1; axis >= 0; --axis) {
      at += (rest % from[axis] + before[static_cast<size_t>(axis)]) * stride;
      rest /= from[axis];
      stride *= to[axis];
    }
    y[static_cast<size_t>(at)] = x[i];
  }
  store(call.out(), y);
}

}  // namespace

OpDef pad() {
  return {.name = "pad", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
