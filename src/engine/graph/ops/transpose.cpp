// Axis i of y is axis {perm}[i] of x.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const auto& perm = context.node.attrs.list("perm");
  const Dims& x = context.dims(0);
  std::vector<bool> seen(x.size());
  Dims dims;
  for (int64_t axis : perm) {
    if (axis < 0 || static_cast<size_t>(axis) >= x.size() || seen[static_cast<size_t>(axis)]) break;
    seen[static_cast<size_t>(axis)] = true;
    dims.push_back(x[static_cast<size_t>(axis)]);
  }
  if (dims.size() != x.size() || perm.size() != x.size()) {
    return context.fail(fmt::format("perm does not name each of the {} axes of x once", x.size()));
  }
  context.outputs = {{moved_dtype(context.type(0).dtype), dims}};
  return {};
}

// Needs nothing: the inverse permutation.
void gradient(GradientContext& context) {
  const auto& perm = context.node.attrs.list("perm");
  std::vector<int64_t> inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) {
    inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  }
  context.set(0, context.builder.op("transpose", {context.grad()}, {{"perm", inverse}}));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const Shape &from = call.in(0).shape, &to = call.out().shape;
  const auto& perm = call.attrs.list("perm");
  std::vector<int64_t> strides(static_cast<size_t>(from.rank()), 1);
  for (size_t axis = strides.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * from[static_cast<int>(axis)];
  }
  std::vector<double> y(x.size());
  for (size_t i = 0; i < y.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t at = 0;
    for (int axis = to.rank() - 1; axis >= 0; --axis) {
      const auto source = static_cast<size_t>(perm[static_cast<size_t>(axis)]);
      at += rest % to[axis] * strides[source];
      rest /= to[axis];
    }
    y[i] = x[static_cast<size_t>(at)];
  }
  store(call.out(), y);
}

}  // namespace

OpDef transpose() {
  return {.name = "transpose", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
