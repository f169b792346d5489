// x repeated to the shape {dims, symbols} by the rules of NumPy: the gradient of sums.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Dims wanted = dims_of(context.node.attrs);
  VERGE_TRY(const Dims dims, broadcast_dims(context, context.dims(0), wanted));
  if (dims != wanted) {
    return context.fail(fmt::format("x {} cannot become {}",
                                    show_dims(context.graph, context.dims(0)),
                                    show_dims(context.graph, wanted)));
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), dims}};
  return {};
}

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  context.set(0, sum_to(b, context.grad(), b.type(context.input(0)).dims));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  std::vector<double> y;
  for (size_t i : broadcast_indices(call.in(0).shape, call.out().shape)) y.push_back(x[i]);
  store(call.out(), y);
}

}  // namespace

OpDef broadcast_to() {
  return {.name = "broadcast_to", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
