// The gradient of a tensor that gather reads: dx[..., indices[i], ...] += dy[..., i, ...] along
// {axis}, in the order of i.

#include <algorithm>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: indices [i...] as of gather, dy [a..., i..., b...]; {dims, symbols} are those of x
// [a..., n, b...]. Output dx like x.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  const Dims x = dims_of(context.node.attrs);
  const int axis = from_front(context.node.attrs.integer("axis"), x.size());
  if (axis < 0 || axis >= static_cast<int>(x.size())) {
    return context.fail(fmt::format("axis {} of {}", axis, show_dims(context.graph, x)));
  }
  const Dim n = x[static_cast<size_t>(axis)];
  if (n.is_constant() && n.factor == 0) return context.fail("there is nothing to gather from");
  Dims expected(x.begin(), x.begin() + axis);
  expected.insert(expected.end(), context.dims(0).begin(), context.dims(0).end());
  expected.insert(expected.end(), x.begin() + axis + 1, x.end());
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "dy", expected));
  context.outputs = {{compute_dtype(context.type(1).dtype), x}};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(1).shape.count());
  return {count, 8 * count + 4 * static_cast<double>(call.out().shape.count())};
}

void reference(const KernelCall& call) {
  const std::vector<double> indices = load(call.in(0)), dy = load(call.in(1));
  const Shape& x = call.out().shape;
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(x.rank()));
  size_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= static_cast<size_t>(x[i]);
  const auto n = static_cast<double>(x[axis]);
  std::vector<double> dx(static_cast<size_t>(x.count()));
  for (size_t run = 0; run * inner < dy.size(); ++run) {
    const double index = indices[run % indices.size()];
    const double from_start = index < 0 ? index + n : index;
    const double at = from_start >= 0 ? std::min(from_start, n - 1) : 0;  // as gather has it
    const size_t to = (run / indices.size() * static_cast<size_t>(n) + static_cast<size_t>(at));
    for (size_t i = 0; i < inner; ++i) dx[to * inner + i] += dy[run * inner + i];
  }
  store(call.out(), dx);
}

}  // namespace

OpDef gather_grad() {
  return {.name = "gather_grad", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
