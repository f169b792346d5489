// Several linear layers of one input, y_i = x W_i^T + b_i, so that x is read once: the query, key
// and value projections. Made by fusion after differentiation.

#include <verge/engine/graph/fused_norm.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., in], then weight [out_i, in] of any type and optional bias [out_i], in pairs,
// then, optionally, the weight of a norm (fused_norm.hpp).
// Outputs: y_i [..., out_i].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  const size_t norm = context.node.attrs.has("norm_eps") ? 1 : 0;
  const size_t end = context.node.inputs.size() - norm;
  if (end % 2 == 0) return context.fail("weights and biases come in pairs");
  VERGE_RETURN_IF_ERROR(expect_norm(context, end));
  for (size_t i = 1; i < end; i += 2) {
    if (!context.has(i)) return context.fail(fmt::format("input {} is missing", i));
    VERGE_RETURN_IF_ERROR(expect_rank(context, i, "weight", 2));
    VERGE_RETURN_IF_ERROR(expect_dim(context, i, "weight", 1, context.dims(0).back()));
    const Dim out = context.dims(i)[0];
    if (context.has(i + 1)) VERGE_RETURN_IF_ERROR(expect_dims(context, i + 1, "bias", {out}));
    Type y{compute_dtype(context.type(0).dtype), context.dims(0)};
    y.dims.back() = out;
    context.outputs.push_back(y);
  }
  return {};
}

// A call of linear for the pair i.
KernelCall part(const KernelCall& call, std::vector<TensorView>& inputs, size_t i) {
  inputs = {call.in(0), call.in(2 * i + 1), call.in(2 * i + 2), {}};
  if (call.attrs.has("norm_eps")) inputs.push_back(call.inputs.back());
  return {inputs, call.outputs.subspan(i, 1), call.attrs};
}

Cost cost(const KernelCall& call) {
  Cost sum;
  std::vector<TensorView> inputs;
  const double x_bytes = static_cast<double>(call.in(0).bytes());
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    const Cost one = find_op("linear")->cost(part(call, inputs, i));
    sum.flops += one.flops;
    sum.bytes += one.bytes - (i == 0 ? 0 : x_bytes);
  }
  return sum;
}

void reference(const KernelCall& call) {
  std::vector<TensorView> inputs;
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    if (call.wants(i)) find_op("linear")->reference(part(call, inputs, i));
  }
}

}  // namespace

OpDef linear_multi() {
  return {.name = "linear_multi", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
