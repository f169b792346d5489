// y = x, but y[..., indices[i, j, ...], ...] along {axis} is updates[i, j, ...], or by {reduction}
// its sum, product, minimum or maximum with what stood there: ONNX's ScatterElements.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/element_positions.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x of a plain type, indices of its rank from -n to n - 1, updates like indices. What
// points beyond x is not written, or with {beyond} "nearest" to the nearest place; of several to
// one place the last one counts without {reduction}.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_reduction(context));
  VERGE_TRY(const Dims dims, picked_elements(context));
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
    return b.fail(make_error(Code::Unsupported, "scatter_elements ({}): {} has no gradient",
                             context.node.source, reduction));
  }
  const Attrs attrs = {{"axis", context.node.attrs.integer("axis")},
                       {"beyond", name(beyond_of(context.node.attrs, Beyond::Nowhere))}};
  const ValueId indices = context.input(1), dy = context.grad();
  if (context.needs(0)) {
    const ValueId zeros = emit_zeros(b, b.type(context.input(2)).dims, dy);
    context.set(0, reduction == "add" ? dy : b.op("scatter_elements", {dy, indices, zeros}, attrs));
  }
  if (context.needs(2)) context.set(2, b.op("gather_elements", {dy, indices}, attrs));
}

Cost cost(const KernelCall& call) {
  return {
      0, static_cast<double>(2 * call.out().bytes() + call.in(1).bytes() + 2 * call.in(2).bytes())};
}

void reference(const KernelCall& call) {
  std::vector<double> y = load(call.in(0));
  const std::vector<double> updates = load(call.in(2));
  const Shape& shape = call.in(0).shape;
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(shape.rank()));
  const std::string_view reduction = call.attrs.text("reduction", "none");
  const auto positions =
      element_positions(shape, call.in(1), axis, beyond_of(call.attrs, Beyond::Nowhere));
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] < 0) continue;
    double& to = y[static_cast<size_t>(positions[i])];
    to = reduced(reduction, to, updates[i]);
  }
  store(call.out(), y);
}

}  // namespace

OpDef scatter_elements() {
  return {.name = "scatter_elements",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
