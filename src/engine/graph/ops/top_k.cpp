// The k largest elements along {axis} ({largest} 0: the smallest) in order, and where they stood:
// ONNX's TopK. Of equal ones the first comes first; what is no number counts as the largest.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/element_positions.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Input x [a..., n, b...] of a plain type. Outputs: values [a..., k, b...] of its type, indices i32
// like them.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Type& x = context.type(0);
  const int axis = from_front(context.node.attrs.integer("axis"), x.dims.size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  if (is_quantized(x.dtype)) return context.fail("x is quantized");
  const Dim n = x.dims[static_cast<size_t>(axis)];
  const int64_t k = context.node.attrs.integer("k");
  if (!n.is_constant() || n.factor > INT32_MAX || k < 1 || k > n.factor) {
    return context.fail(
        fmt::format("k is {}, there are {} elements", k, show_dim(context.graph, n)));
  }
  Dims dims = x.dims;
  dims[static_cast<size_t>(axis)] = k;
  context.outputs = {{x.dtype, dims}, {DType::I32, dims}};
  return {};
}

// Needs the indices.
void gradient(GradientContext& context) {
  if (!context.needs(0) || context.grad() == kNone) return;
  Builder& b = context.builder;
  const ValueId zeros = emit_zeros(b, b.type(context.input(0)).dims, context.grad());
  context.set(
      0, b.op("scatter_elements", {zeros, context.output(1), context.grad()},
              {{"axis", context.node.attrs.integer("axis")}, {"reduction", std::string("add")}}));
}

Cost cost(const KernelCall& call) {
  return {4 * static_cast<double>(call.in(0).shape.count()),
          static_cast<double>(call.in(0).bytes() + 2 * call.out().bytes())};
}

// A strict weak order over all values.
bool stands_before(double a, double b, bool largest_first) {
  const bool a_is_none = std::isnan(a), b_is_none = std::isnan(b);
  if (a_is_none || b_is_none) {
    return largest_first ? a_is_none && !b_is_none : !a_is_none && b_is_none;
  }
  return largest_first ? a > b : a < b;
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const Shape& from = call.in(0).shape;
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(from.rank()));
  const bool wants_largest = call.attrs.integer("largest", 1) != 0;
  size_t inner = 1;
  for (int a = axis + 1; a < from.rank(); ++a) inner *= static_cast<size_t>(from[a]);
  const auto n = static_cast<size_t>(from[axis]);
  const auto k = static_cast<size_t>(call.attrs.integer("k"));
  std::vector<double> values(x.size() / n * k), places(values.size());
  std::vector<size_t> order(n);
  for (size_t run = 0; run < x.size() / n; ++run) {
    const double* first = &x[run / inner * n * inner + run % inner];
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) {
      return stands_before(first[a * inner], first[b * inner], wants_largest);
    });
    for (size_t i = 0; i < k; ++i) {
      const size_t at = run / inner * k * inner + i * inner + run % inner;
      values[at] = first[order[i] * inner];
      places[at] = static_cast<double>(order[i]);
    }
  }
  store_wanted(call, 0, values);
  store_wanted(call, 1, places);
}

}  // namespace

OpDef top_k() {
  return {
      .name = "top_k", .infer = infer, .gradient = gradient, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
