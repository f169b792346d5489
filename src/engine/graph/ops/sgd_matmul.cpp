// p' = (1 - lr wd) p - lr a^T b, in place: a weight's gradient and its update in one product, so
// that the gradient is never stored. Made by fusion of matmul and sgd.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p [m, n], a [..., m], b [..., n], lr []. Output p', overwriting p. {weight_decay}.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(4));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 1, "a", 2));
  Dims b = leading_dims(context.dims(1));
  b.push_back(context.dims(2).back());
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "b", b));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 0, "p", {context.dims(1).back(), b.back()}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "lr", {}));
  context.outputs = {context.type(0)};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {2 * count * static_cast<double>(call.in(1).shape.rows()),
          8 * count + static_cast<double>(call.in(1).bytes() + call.in(2).bytes())};
}

void reference(const KernelCall& call) {
  std::vector<double> p = load(call.in(0));
  const std::vector<double> a = load(call.in(1)), b = load(call.in(2));
  const double lr = load(call.in(3))[0], decay = call.attrs.real("weight_decay", 0);
  const auto m = static_cast<size_t>(call.in(0).shape[0]);
  const auto n = static_cast<size_t>(call.in(0).shape[1]);
  for (size_t i = 0; i < p.size(); ++i) {
    double sum = 0;
    for (size_t row = 0; row < a.size() / m; ++row) sum += a[row * m + i / n] * b[row * n + i % n];
    p[i] = (1 - lr * decay) * p[i] - lr * sum;
  }
  store(call.out(), p);
}

}  // namespace

OpDef sgd_matmul() {
  return {.name = "sgd_matmul",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}}};
}

}  // namespace verge::graph::ops
