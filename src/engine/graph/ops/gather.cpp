// y = x[..., indices, ...] along {axis}: NumPy's take.

#include <algorithm>
#include <cstring>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [a..., n, b...] of a plain type, indices [i...] from -n to n - 1, where -1 is the last;
// one beyond takes the nearest. Output [a..., i..., b...].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  const Type& x = context.type(0);
  const int axis = from_front(context.node.attrs.integer("axis"), x.dims.size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  if (is_quantized(x.dtype)) return context.fail("x is quantized");
  const Dim n = x.dims[static_cast<size_t>(axis)];
  if (n.is_constant() && n.factor == 0) return context.fail("there is nothing to gather from");
  Dims dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), context.dims(1).begin(), context.dims(1).end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  context.outputs = {{x.dtype, dims}};
  return {};
}

// Needs the indices only: the extents of x travel as attributes, so that x need not stay alive.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Builder& b = context.builder;
  Attrs attrs = dims_attrs(b.type(context.input(0)).dims);
  attrs.set("axis", context.node.attrs.integer("axis"));
  context.set(0, b.op("gather_grad", {context.input(1), context.grad()}, attrs));
}

Cost cost(const KernelCall& call) {
  return {0, static_cast<double>(2 * call.out().bytes() + call.in(1).bytes())};
}

void reference(const KernelCall& call) {
  const TensorView &x = call.in(0), &y = call.out();
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(x.shape.rank()));
  const int64_t n = x.shape[axis];
  int64_t inner = bytes_of(x.dtype, 1);
  for (int i = axis + 1; i < x.shape.rank(); ++i) inner *= x.shape[i];
  const std::vector<double> indices = load(call.in(1));
  auto* out = y.as<std::byte>();
  const auto last = static_cast<double>(n - 1);
  const int64_t outer = y.bytes() == 0 ? 0 : x.bytes() / (n * inner);
  for (int64_t i = 0; i < outer; ++i) {
    for (double index : indices) {
      const double from_start = index < 0 ? index + static_cast<double>(n) : index;
      // What is no number takes the first.
      const auto at = from_start >= 0 ? static_cast<int64_t>(std::min(from_start, last)) : 0;
      std::memcpy(out, x.as<std::byte>() + (i * n + at) * inner, static_cast<size_t>(inner));
      out += inner;
    }
  }
}

}  // namespace

OpDef gather() {
  return {
      .name = "gather", .infer = infer, .gradient = gradient, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
