// The length of a tensor as a vector: its part in that of all gradients together. Not its square,
// which is beyond f32 for gradients of 1e20.

#include <cmath>

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
  store(call.out(), {std::sqrt(sum)});
}

}  // namespace

OpDef l2_norm() {
  return {.name = "l2_norm", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
