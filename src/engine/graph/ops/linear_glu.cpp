// y = act(x Wg^T) * (x Wu^T): both projections of a gated feed-forward layer and their product in
// one pass. {activation}: silu or gelu (tanh form). Made by fusion after differentiation.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/fused_norm.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., in], w_gate [out, in], w_up [out, in], both of any type, optional weight of a
// norm (fused_norm.hpp). Output [..., out].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w_gate", 2));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "x", -1, context.dims(1)[1]));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "w_up", context.dims(1)));
  const std::string_view activation = context.node.attrs.text("activation", "silu");
  if (activation != "silu" && activation != "gelu") {
    return context.fail(fmt::format("activation is \"{}\", not silu or gelu", activation));
  }
  Type y{compute_dtype(context.type(0).dtype), context.dims(0)};
  y.dims.back() = context.dims(1)[0];
  context.outputs = {y};
  return expect_norm(context, 3);
}

Cost cost(const KernelCall& call) {
  const double rows = static_cast<double>(call.in(0).shape.rows());
  const Shape& w = call.in(1).shape;
  return {4 * rows * static_cast<double>(w.count()),
          static_cast<double>(call.in(1).bytes() + call.in(2).bytes()) +
              4 * rows * static_cast<double>(w[0] + w[1])};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load_normalized(call, 3);
  const std::vector<double> gate = load(call.in(1)), up = load(call.in(2));
  const auto out = static_cast<size_t>(call.in(1).shape[0]);
  const auto in = static_cast<size_t>(call.in(1).shape[1]);
  const auto activation = fused_activation(call.attrs.text("activation", "silu"));
  std::vector<double> y(x.size() / in * out);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t row = i / out, o = i % out;
    double gate_sum = 0, up_sum = 0;
    for (size_t j = 0; j < in; ++j) {
      gate_sum += x[row * in + j] * gate[o * in + j];
      up_sum += x[row * in + j] * up[o * in + j];
    }
    y[i] = activation(gate_sum) * up_sum;
  }
  store(call.out(), y);
}

}  // namespace

OpDef linear_glu() {
  return {.name = "linear_glu", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
