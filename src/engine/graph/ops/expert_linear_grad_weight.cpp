// dw[e] = sum over the pairs (t, j) with ids[t, j] = e of dy[t, j]^T x[t, j], of expert_linear.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [tokens, k, out], x [tokens, k or 1, in], ids i32 [tokens, k].
// Output [{experts}, out, in].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "dy", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "x", 3));
  const Dims &dy = context.dims(0), &x = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "x", 0, dy[0]));
  if (x[1] != Dim(1)) VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "x", 1, dy[1]));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "ids", leading_dims(dy)));
  const int64_t experts = context.node.attrs.integer("experts");
  context.outputs = {{compute_dtype(context.type(0).dtype), {experts, dy[2], x[2]}}};
  return {};
}

Cost cost(const KernelCall& call) {
  const Shape& w = call.out().shape;
  const double pairs = static_cast<double>(call.in(2).shape.count());
  return {2 * pairs * static_cast<double>(w[1] * w[2]),
          4 * static_cast<double>(w.count()) + 4 * pairs * static_cast<double>(w[1] + w[2])};
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0)), x = load(call.in(1)), ids = load(call.in(2));
  const auto out = static_cast<size_t>(call.out().shape[1]);
  const auto in = static_cast<size_t>(call.out().shape[2]);
  const auto k = static_cast<size_t>(call.in(2).shape[1]);
  const auto x_rows = static_cast<size_t>(call.in(1).shape[1]);
  std::vector<double> dw(static_cast<size_t>(call.out().shape.count()));
  for (size_t pair = 0; pair < ids.size(); ++pair) {
    const size_t row = pair / k * x_rows + (x_rows == 1 ? 0 : pair % k);
    double* expert = dw.data() + static_cast<size_t>(ids[pair]) * out * in;
    for (size_t o = 0; o < out; ++o) {
      for (size_t i = 0; i < in; ++i) expert[o * in + i] += dy[pair * out + o] * x[row * in + i];
    }
  }
  store(call.out(), dw);
}

}  // namespace

OpDef expert_linear_grad_weight() {
  return {
      .name = "expert_linear_grad_weight", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
