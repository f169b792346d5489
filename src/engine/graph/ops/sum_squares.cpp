// The sum of all squares of a tensor: its part in the length of all gradients together.

#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(infer_like_input(context));
  context.outputs[0].dims = {};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {2 * count, 4 * count};
}

void reference(const KernelCall& call) {
  double sum = 0;
  for (double x : load(call.in(0))) sum += x * x;
  store(call.out(), {sum});
}

}  // namespace

OpDef sum_squares() {
  return {.name = "sum_squares", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
