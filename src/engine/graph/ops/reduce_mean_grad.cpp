// The gradient of reduce_mean: dy / (elements averaged), repeated to the shape {dims, symbols}.
// dy has extent 1 where the mean was taken, or lacks those axes ({axes}).

#include <verge/engine/graph/reduction.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Dims x = dims_of(context.node.attrs);
  const Dims kept = reduced_dims(x, context.node.attrs, true);
  if (context.dims(0) != kept) {
    const Dims dropped = reduced_dims(x, context.node.attrs, false);
    VERGE_RETURN_IF_ERROR(expect_dims(context, 0, "dy", dropped));
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), x}};
  return {};
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0));
  const std::vector<size_t> group = reduction_groups(call.out().shape, call.attrs);
  const double count = static_cast<double>(group.size()) / static_cast<double>(dy.size());
  std::vector<double> dx;
  for (size_t i : group) dx.push_back(dy[i] / count);
  store(call.out(), dx);
}

}  // namespace

OpDef reduce_mean_grad() {
  return {.name = "reduce_mean_grad", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
