#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/reduction.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

std::vector<bool> reduced_axes(size_t rank, const Attrs& attrs) {
  std::vector<bool> reduced(rank);
  for (int64_t axis : attrs.list("axes")) {
    reduced[static_cast<size_t>(from_front(axis, rank))] = true;
  }
  return reduced;
}

}  // namespace

Dims reduced_dims(const Dims& x, const Attrs& attrs, bool keep) {
  const std::vector<bool> reduced = reduced_axes(x.size(), attrs);
  Dims dims;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (!reduced[axis]) {
      dims.push_back(x[axis]);
    } else if (keep) {
      dims.emplace_back(1);
    }
  }
  return dims;
}

Status infer_reduction(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Attrs& attrs = context.node.attrs;
  for (int64_t axis : attrs.list("axes")) {
    const int at = from_front(axis, context.dims(0).size());
    if (at < 0 || at >= context.rank(0)) {
      return context.fail(fmt::format("axis {} of {}", axis, context.rank(0)));
    }
  }
  const Dims dims = reduced_dims(context.dims(0), attrs, attrs.integer("keep") != 0);
  context.outputs = {{compute_dtype(context.type(0).dtype), dims}};
  return {};
}

Cost reduction_cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {count, static_cast<double>(call.in(0).bytes() + call.out().bytes())};
}

std::vector<size_t> reduction_groups(const Shape& x, const Attrs& attrs) {
  const std::vector<bool> reduced = reduced_axes(static_cast<size_t>(x.rank()), attrs);
  Shape kept = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (reduced[static_cast<size_t>(axis)]) kept[axis] = 1;
  }
  return broadcast_indices(kept, x);
}

Attrs reduced_from(const GradientContext& context) {
  Attrs attrs = dims_attrs(context.builder.type(context.input(0)).dims);
  attrs.set("axes", context.node.attrs.list("axes"));
  return attrs;
}

ValueId broadcast_back(GradientContext& context, ValueId value) {
  Builder& b = context.builder;
  if (b.failed()) return kNone;
  const Dims x = b.type(context.input(0)).dims;
  const Dims kept = reduced_dims(x, context.node.attrs, true);
  if (b.type(value).dims != kept) value = b.op("reshape", {value}, dims_attrs(kept));
  return kept == x ? value : b.op("broadcast_to", {value}, dims_attrs(x));
}

}  // namespace verge::graph
