// The largest value over {axes}; {keep}: they stay, with extent 1.

#include <cmath>
#include <numeric>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/extremes.hpp>
#include <verge/engine/graph/reduction.hpp>

namespace verge::graph::ops {
namespace {

// Needs x and y. Equal largest values share the gradient.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId x = context.input(0);
  const ValueId largest =
      b.op("compare", {x, broadcast_back(context, context.output(0))}, {{"op", "eq"}});
  const ValueId hit =
      b.op("cast", {largest},
           {{"to", b.failed() ? "f32" : std::string(name(b.type(context.grad()).dtype))}});
  const ValueId ties = b.op("reduce_sum", {hit}, context.node.attrs);
  const ValueId share = b.op("div", {context.grad(), ties});
  context.set(0, b.op("mul", {hit, broadcast_back(context, share)}));
}

void reference(const KernelCall& call) {
  reduce(call, [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), -HUGE_VAL, larger<double>);
  });
}

}  // namespace

OpDef reduce_max() {
  return {.name = "reduce_max",
          .infer = infer_reduction,
          .gradient = gradient,
          .cost = reduction_cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
