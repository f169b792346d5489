// y[t, j] = x[t, j] W[ids[t, j]]^T: each token's product with the weights of its experts.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [tokens, k or 1, in], w [experts, out, in] of any type, ids i32 [tokens, k].
// Output [tokens, k, out].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "x", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 2, "ids", 2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 2, "ids", DType::I32));
  const Dims &x = context.dims(0), &w = context.dims(1), &ids = context.dims(2);
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "x", 2, w[2]));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 2, "ids", 0, x[0]));
  if (x[1] != Dim(1)) VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "x", 1, ids[1]));
  context.outputs = {{compute_dtype(context.type(0).dtype), {x[0], ids[1], w[1]}}};
  return {};
}

// dx needs w, dw needs x, both need the ids.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId x = context.input(0), w = context.input(1), ids = context.input(2);
  if (context.needs(0)) {
    ValueId dx = b.op("expert_linear_grad_input", {context.grad(), w, ids});
    if (!b.failed() && b.type(x).dims[1] == Dim(1) && b.type(ids).dims[1] != Dim(1)) {
      dx = b.op("reduce_sum", {dx}, {{"axes", std::vector<int64_t>{1}}, {"keep", int64_t{1}}});
    }
    context.set(0, dx);
  }
  if (context.needs(1)) {
    const int64_t experts = b.type(w).dims[0].factor;
    context.set(
        1, b.op("expert_linear_grad_weight", {context.grad(), x, ids}, {{"experts", experts}}));
  }
}

Cost cost(const KernelCall& call) {
  const double pairs = static_cast<double>(call.in(2).shape.count());
  const Shape& w = call.in(1).shape;
  const double expert = static_cast<double>(w[1] * w[2]);
  const double touched = std::min(pairs, static_cast<double>(w[0])) / static_cast<double>(w[0]);
  return {2 * pairs * expert, touched * static_cast<double>(call.in(1).bytes()) +
                                  4 * pairs * static_cast<double>(w[1] + w[2])};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), ids = load(call.in(2));
  const int64_t out = call.in(1).shape[1];
  const auto in = static_cast<size_t>(call.in(1).shape[2]);
  const auto k = static_cast<size_t>(call.in(2).shape[1]);
  const auto x_rows = static_cast<size_t>(call.in(0).shape[1]);
  std::vector<double> y;
  for (size_t pair = 0; pair < ids.size(); ++pair) {
    const size_t row = pair / k * x_rows + (x_rows == 1 ? 0 : pair % k);
    const std::vector<double> w = load_rows(call.in(1), static_cast<int64_t>(ids[pair]) * out, out);
    for (size_t o = 0; o < static_cast<size_t>(out); ++o) {
      double sum = 0;
      for (size_t i = 0; i < in; ++i) sum += x[row * in + i] * w[o * in + i];
      y.push_back(sum);
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef expert_linear() {
  return {.name = "expert_linear",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
