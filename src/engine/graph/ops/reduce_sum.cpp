// The sum over {axes}; {keep}: they stay, with extent 1.

#include <numeric>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reduction.hpp>

namespace verge::graph::ops {
namespace {

// Needs nothing.
void gradient(GradientContext& context) {
  context.set(0, broadcast_back(context, context.grad()));
}

void reference(const KernelCall& call) {
  reduce(call, [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  });
}

}  // namespace

OpDef reduce_sum() {
  return {.name = "reduce_sum",
          .infer = infer_reduction,
          .gradient = gradient,
          .cost = reduction_cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
