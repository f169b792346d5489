#include <verge/engine/graph/affine.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

Status expect_affine(const InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  if (!context.has(1)) {
    const int64_t zero = context.node.attrs.integer("zero_point");
    if (zero < INT32_MIN || zero > INT32_MAX) {
      return context.fail(fmt::format("zero_point is {}, which is no i32", zero));
    }
    if (context.node.attrs.real("scale") > 0) return {};
    return context.fail("neither an input nor a positive attribute gives the scale");
  }
  const Dims& x = context.dims(0);
  const int axis = from_front(context.node.attrs.integer("axis", 0), x.size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  const Dims channels = {x[static_cast<size_t>(axis)]};
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "scale", channels));
  if (!context.has(2)) return {};
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 2, "zero_point", DType::I32));
  return expect_dims(context, 2, "zero_point", channels);
}

Affine::Affine(const KernelCall& call)
    : scales_{call.attrs.real("scale", 1)},
      zero_points_{static_cast<double>(call.attrs.integer("zero_point"))} {
  if (!call.has(1)) return;
  scales_ = load(call.in(1));
  zero_points_ = call.has(2) ? load(call.in(2)) : std::vector<double>(scales_.size());
  const Shape& shape = call.in(0).shape;
  const int axis = from_front(call.attrs.integer("axis", 0), static_cast<size_t>(shape.rank()));
  for (int i = axis + 1; i < shape.rank(); ++i) inner_ *= static_cast<size_t>(shape[i]);
}

}  // namespace verge::graph
