// The mean over {axes}; {keep}: they stay, with extent 1.

#include <numeric>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reduction.hpp>

namespace verge::graph::ops {
namespace {

// Needs nothing; each element gets the mean's gradient divided by how many there are.
void gradient(GradientContext& context) {
  context.set(0, context.builder.op("reduce_mean_grad", {context.grad()}, reduced_from(context)));
}

void reference(const KernelCall& call) {
  reduce(call, [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  });
}

}  // namespace

OpDef reduce_mean() {
  return {.name = "reduce_mean",
          .infer = infer_reduction,
          .gradient = gradient,
          .cost = reduction_cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
