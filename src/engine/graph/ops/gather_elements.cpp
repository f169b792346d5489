// y[i, j, ...] = x[..., indices[i, j, ...], ...] along {axis}: ONNX's GatherElements, PyTorch's
// gather.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/element_positions.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x of a plain type, indices of its rank from -n to n - 1; one beyond takes the nearest, or
// with {beyond} "nowhere" 0. Output like indices, of the type of x.
Status infer(InferContext& context) {
  VERGE_TRY(const Dims dims, picked_elements(context));
  context.outputs = {{context.type(0).dtype, dims}};
  return {};
}

// Needs the indices.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Builder& b = context.builder;
  const Attrs attrs = {{"axis", context.node.attrs.integer("axis")},
                       {"reduction", std::string("add")},
                       {"beyond", name(beyond_of(context.node.attrs, Beyond::Nearest))}};
  const ValueId zeros = emit_zeros(b, b.type(context.input(0)).dims, context.grad());
  context.set(0, b.op("scatter_elements", {zeros, context.input(1), context.grad()}, attrs));
}

Cost cost(const KernelCall& call) {
  return {0, static_cast<double>(2 * call.out().bytes() + call.in(1).bytes())};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const Shape& shape = call.in(0).shape;
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(shape.rank()));
  std::vector<double> y;
  const Beyond beyond = beyond_of(call.attrs, Beyond::Nearest);
  for (int64_t at : element_positions(shape, call.in(1), axis, beyond)) {
    y.push_back(at < 0 ? 0 : x[static_cast<size_t>(at)]);
  }
  store(call.out(), y);
}

}  // namespace

OpDef gather_elements() {
  return {.name = "gather_elements",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
