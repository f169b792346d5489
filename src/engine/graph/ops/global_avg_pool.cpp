// The mean of each channel's image.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, c, h, w]. Output [n, c].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  context.outputs = {{compute_dtype(context.type(0).dtype), leading_dims(context.dims(0), 2)}};
  return {};
}

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  context.set(0, b.op("global_avg_pool_grad", {context.grad()},
                      with_image_extents(b, {}, context.input(0))));
}

Cost cost(const KernelCall& call) {
  const auto adds = static_cast<double>(call.in(0).shape.count());
  return {adds, static_cast<double>(call.in(0).bytes() + call.out().bytes())};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  std::vector<double> y(static_cast<size_t>(call.out().shape.count()));
  const size_t area = x.size() / y.size();
  for (size_t i = 0; i < x.size(); ++i) y[i / area] += x[i] / static_cast<double>(area);
  store(call.out(), y);
}

}  // namespace

OpDef global_avg_pool() {
  return {.name = "global_avg_pool",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
