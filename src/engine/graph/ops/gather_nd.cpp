// y[batch..., rows..., :] = x[batch..., indices[batch..., rows..., :], :]: ONNX's GatherND.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/element_positions.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [batch..., axes..., slice...] of a plain type, indices [batch..., rows..., k] of k
// axes; one beyond takes the nearest, or with {beyond} "nowhere" zeros. Output [batch..., rows...,
// slice...]. {batch_axes}.
Status infer(InferContext& context) {
  VERGE_TRY(const Dims dims, picked_slices(context));
  context.outputs = {{context.type(0).dtype, dims}};
  return {};
}

// Needs the indices.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Builder& b = context.builder;
  const ValueId zeros = emit_zeros(b, b.type(context.input(0)).dims, context.grad());
  context.set(0, b.op("scatter_nd", {zeros, context.input(1), context.grad()},
                      {{"batch_axes", context.node.attrs.integer("batch_axes")},
                       {"reduction", std::string("add")},
                       {"beyond", name(beyond_of(context.node.attrs, Beyond::Nearest))}}));
}

Cost cost(const KernelCall& call) {
  return {0, static_cast<double>(2 * call.out().bytes() + call.in(1).bytes())};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const Shape &shape = call.in(0).shape, &rows = call.in(1).shape;
  const auto batch = static_cast<int>(call.attrs.integer("batch_axes"));
  const int64_t length = slice_length(shape, rows, batch);
  std::vector<double> y;
  const Beyond beyond = beyond_of(call.attrs, Beyond::Nearest);
  for (int64_t at : slice_positions(shape, call.in(1), batch, beyond)) {
    if (at < 0) y.insert(y.end(), static_cast<size_t>(length), 0.0);
    if (at >= 0) y.insert(y.end(), x.begin() + at, x.begin() + at + length);
  }
  store(call.out(), y);
}

}  // namespace

OpDef gather_nd() {
  return {.name = "gather_nd",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
