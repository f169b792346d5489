// dx[t, j] = dy[t, j] W[ids[t, j]] of expert_linear.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [tokens, k, out], w [experts, out, in], ids i32 [tokens, k]. Output [tokens, k, in].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "dy", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 3));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "dy", 2, context.dims(1)[1]));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "ids", leading_dims(context.dims(0))));
  Dims dims = context.dims(0);
  dims.back() = context.dims(1)[2];
  context.outputs = {{compute_dtype(context.type(0).dtype), dims}};
  return {};
}

Cost cost(const KernelCall& call) {
  const double pairs = static_cast<double>(call.in(2).shape.count());
  const Shape& w = call.in(1).shape;
  return {2 * pairs * static_cast<double>(w[1] * w[2]),
          static_cast<double>(call.in(1).bytes()) + 4 * pairs * static_cast<double>(w[1] + w[2])};
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0)), ids = load(call.in(2));
  const auto out = static_cast<size_t>(call.in(1).shape[1]);
  const auto in = static_cast<size_t>(call.in(1).shape[2]);
  std::vector<double> dx(ids.size() * in);
  for (size_t pair = 0; pair < ids.size(); ++pair) {
    const auto expert = static_cast<int64_t>(ids[pair]);
    const std::vector<double> w =
        load_rows(call.in(1), expert * static_cast<int64_t>(out), static_cast<int64_t>(out));
    for (size_t o = 0; o < out; ++o) {
      for (size_t i = 0; i < in; ++i) dx[pair * in + i] += dy[pair * out + o] * w[o * in + i];
    }
  }
  store(call.out(), dx);
}

}  // namespace

OpDef expert_linear_grad_input() {
  return {.name = "expert_linear_grad_input", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
