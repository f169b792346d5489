// y = x[rows]: picks the tokens whose logits are wanted.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [n, d], rows i32 [m]. Output [m, d].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "x", 2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "rows", 1));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "rows", DType::I32));
  context.outputs = {
      {compute_dtype(context.type(0).dtype), {context.dims(1)[0], context.dims(0)[1]}}};
  return {};
}

// Needs the rows only: the extent of x travels as attributes, so that x need not stay alive.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Builder& b = context.builder;
  const Dim rows = b.type(context.input(0)).dims[0];
  context.set(0, b.op("embedding_grad", {context.input(1), context.grad()}, dims_attrs({rows})));
}

void reference(const KernelCall& call) {
  std::vector<double> y;
  for (double row : load(call.in(1))) {
    const std::vector<double> values = load_rows(call.in(0), static_cast<int64_t>(row), 1);
    y.insert(y.end(), values.begin(), values.end());
  }
  store(call.out(), y);
}

}  // namespace

OpDef gather_rows() {
  return {.name = "gather_rows", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
