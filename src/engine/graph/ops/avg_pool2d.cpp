// The mean of each window; with {count_include_pad} padding counts as zeros, else not at all.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, c, h, w]. Output [n, c, ...]. Needs nothing for its gradient.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  context.set(0, b.op("avg_pool2d_grad", {context.grad()},
                      with_image_extents(b, context.node.attrs, context.input(0))));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)),
                            counts = window_counts(call, call.out().shape, call.in(0).shape);
  std::vector<double> y(counts.size());
  for_each_window_element(call.out().shape, call.in(0).shape, Window2d(call.attrs),
                          [&](size_t to, size_t from, size_t) { y[to] += x[from] / counts[to]; });
  store(call.out(), y);
}

}  // namespace

OpDef avg_pool2d() {
  return {.name = "avg_pool2d",
          .infer = infer_pool,
          .gradient = gradient,
          .cost = pool_cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
