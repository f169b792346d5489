// y = c ? a : b, element by element with broadcasting.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: c u8, a, b.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 0, "c", DType::U8));
  VERGE_TRY(const Dims sides, broadcast_dims(context, context.dims(1), context.dims(2)));
  VERGE_TRY(const Dims dims, broadcast_dims(context, context.dims(0), sides));
  context.outputs = {{compute_dtype(context.type(1).dtype), dims}};
  return {};
}

// Needs c.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId c = context.input(0), dy = context.grad(), zero = emit_zero(b, dy);
  if (context.needs(1)) {
    context.set(1, sum_to(b, b.op("where", {c, dy, zero}), b.type(context.input(1)).dims));
  }
  if (context.needs(2)) {
    context.set(2, sum_to(b, b.op("where", {c, zero, dy}), b.type(context.input(2)).dims));
  }
}

void reference(const KernelCall& call) {
  const Shape& shape = call.out().shape;
  std::vector<double> values[3];
  for (size_t i = 0; i < 3; ++i) {
    const std::vector<double> source = load(call.in(i));
    for (size_t at : broadcast_indices(call.in(i).shape, shape)) values[i].push_back(source[at]);
  }
  for (size_t i = 0; i < values[0].size(); ++i) {
    if (values[0][i] == 0) values[1][i] = values[2][i];
  }
  store(call.out(), values[1]);
}

}  // namespace

OpDef where() {
  return {.name = "where",
          .infer = infer,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 1, false}, {0, 2, false}}};
}

}  // namespace verge::graph::ops
