// y = x, but the slices y[batch..., indices[batch..., rows..., :], :] are those of updates, or by
// {reduction} their sum, product, minimum or maximum with what stood there: ONNX's ScatterND, and
// with {batch_axes} the gradient of gather_nd.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/element_positions.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [batch..., axes..., slice...] of a plain type, indices [batch..., rows..., k] of k
// axes, updates [batch..., rows..., slice...]. What points beyond x is not written, or
// with {beyond} "nearest" to the nearest slice; of several to one place the last one counts without
// {reduction}.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_reduction(context));
  VERGE_TRY(const Dims dims, picked_slices(context));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "updates", dims));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 2, "updates", context.type(0).dtype));
  context.outputs = {context.type(0)};
  return {};
}

// Needs the indices. None of products, minima and maxima. Without {reduction} of indices that
// differ, as ONNX demands: of several to one place each has the gradient of the last.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const std::string_view reduction = context.node.attrs.text("reduction", "none");
  if (reduction != "none" && reduction != "add") {
    return b.fail(make_error(Code::Unsupported, "scatter_nd ({}): {} has no gradient",
                             context.node.source, reduction));
  }
  const Attrs attrs = {{"batch_axes", context.node.attrs.integer("batch_axes")},
                       {"beyond", name(beyond_of(context.node.attrs, Beyond::Nowhere))}};
  const ValueId indices = context.input(1), dy = context.grad();
  if (context.needs(0)) {
    const ValueId zeros = emit_zeros(b, b.type(context.input(2)).dims, dy);
    context.set(0, reduction == "add" ? dy : b.op("scatter_nd", {dy, indices, zeros}, attrs));
  }
  if (context.needs(2)) context.set(2, b.op("gather_nd", {dy, indices}, attrs));
}

Cost cost(const KernelCall& call) {
  return {
      0, static_cast<double>(2 * call.out().bytes() + call.in(1).bytes() + 2 * call.in(2).bytes())};
}

void reference(const KernelCall& call) {
  std::vector<double> y = load(call.in(0));
  const std::vector<double> updates = load(call.in(2));
  const Shape &shape = call.in(0).shape, &rows = call.in(1).shape;
  const auto batch = static_cast<int>(call.attrs.integer("batch_axes"));
  const auto length = static_cast<size_t>(slice_length(shape, rows, batch));
  const std::string_view reduction = call.attrs.text("reduction", "none");
  const auto positions =
      slice_positions(shape, call.in(1), batch, beyond_of(call.attrs, Beyond::Nowhere));
  for (size_t row = 0; row < positions.size(); ++row) {
    if (positions[row] < 0) continue;
    for (size_t i = 0; i < length; ++i) {
      double& to = y[static_cast<size_t>(positions[row]) + i];
      to = reduced(reduction, to, updates[row * length + i]);
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef scatter_nd() {
  return {.name = "scatter_nd",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
