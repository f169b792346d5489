// y = table[ids] * scale: the first layer of a language model.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: table [vocab, d] of any type, ids i32 [n...]. Output y [n..., d].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "table", 2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "ids", DType::I32));
  Dims dims = context.dims(1);
  dims.push_back(context.dims(0)[1]);
  context.outputs = {{compute_dtype(context.type(0).dtype), dims}};
  return {};
}

// Needs the ids only; of the table, its extents.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Builder& b = context.builder;
  ValueId dy = context.grad();
  const double scale = context.node.attrs.real("scale", 1);
  if (scale != 1) dy = b.op("scale", {dy}, {{"factor", scale}});
  context.set(0, b.op("embedding_grad", {context.input(1), dy, context.input(0)}));
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.out().shape.count());
  const double row_bytes = static_cast<double>(bytes_of(call.in(0).dtype, call.in(0).shape.back()));
  return {count, static_cast<double>(call.in(1).shape.count()) * row_bytes + 4 * count};
}

void reference(const KernelCall& call) {
  const double scale = call.attrs.real("scale", 1);
  std::vector<double> y;
  for (double id : load(call.in(1))) {
    for (double v : load_rows(call.in(0), static_cast<int64_t>(id), 1)) y.push_back(v * scale);
  }
  store(call.out(), y);
}

}  // namespace

OpDef embedding() {
  return {.name = "embedding",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
