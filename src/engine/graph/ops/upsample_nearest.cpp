// Each pixel repeated {factor} times in both directions.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, c, h, w]. Output [n, c, h * factor, w * factor].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "x", 4));
  const int64_t factor = context.node.attrs.integer("factor", 2);
  if (factor < 1) return context.fail(fmt::format("factor is {}", factor));
  Dims y = context.dims(0);
  y[2].factor *= factor;
  y[3].factor *= factor;
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

// Needs nothing: the sum over the copies of each pixel.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const Dims x = b.type(context.input(0)).dims;
  const int64_t factor = context.node.attrs.integer("factor", 2);
  const ValueId copies =
      b.op("reshape", {context.grad()}, dims_attrs({x[0], x[1], x[2], factor, x[3], factor}));
  context.set(0, b.op("reduce_sum", {copies}, {{"axes", std::vector<int64_t>{3, 5}}}));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const Shape &from = call.in(0).shape, &to = call.out().shape;
  const int64_t factor = call.attrs.integer("factor", 2);
  std::vector<double> y(static_cast<size_t>(to.count()));
  for (size_t i = 0; i < y.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const int64_t plane = at / (to[2] * to[3]), row = at / to[3] % to[2] / factor;
    const int64_t column = at % to[3] / factor;
    y[i] = x[static_cast<size_t>((plane * from[2] + row) * from[3] + column)];
  }
  store(call.out(), y);
}

}  // namespace

OpDef upsample_nearest() {
  return {.name = "upsample_nearest", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
