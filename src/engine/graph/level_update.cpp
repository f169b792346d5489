#include <verge/engine/graph/level_update.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

Status infer_level_update(InferContext& context, size_t first) {
  const DType dtype = context.type(0).dtype;
  if (dtype != DType::I8 && dtype != DType::I32) {
    return context.fail(fmt::format("p is {}, not i8 or i32", name(dtype)));
  }
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "p", 1));
  if (!context.has(first + 2) || !context.has(first + 3)) {
    return context.fail("lr and step are needed");
  }
  if (context.has(first)) {
    VERGE_RETURN_IF_ERROR(expect_dtype(context, first, "multiplier", DType::F32));
    VERGE_RETURN_IF_ERROR(expect_dims(context, first, "multiplier", {context.dims(0)[0]}));
  }
  VERGE_RETURN_IF_ERROR(expect_dtype(context, first + 2, "lr", DType::F32));
  VERGE_RETURN_IF_ERROR(expect_dims(context, first + 2, "lr", {}));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, first + 3, "step", DType::I64));
  VERGE_RETURN_IF_ERROR(expect_dims(context, first + 3, "step", {}));
  const Attrs& attrs = context.node.attrs;
  const int64_t stream = attrs.integer("stream");
  if (stream < 0) return context.fail(fmt::format("stream is {}, below 0", stream));
  for (const char* factor : {"ratio", "weight_decay"}) {
    const double value = attrs.real(factor, 0);
    if (value >= 0 && std::isfinite(static_cast<float>(value))) continue;
    return context.fail(fmt::format("{} is {}, not finite or below 0", factor, value));
  }
  context.outputs = {context.type(0)};
  if (!context.has(first + 1)) return {};
  if (dtype != DType::I8) return context.fail("a bias keeps no remainder");
  VERGE_RETURN_IF_ERROR(expect_dtype(context, first + 1, "remainder", DType::I8));
  VERGE_RETURN_IF_ERROR(expect_dims(context, first + 1, "remainder", context.dims(0)));
  context.outputs.push_back(context.type(first + 1));
  return {};
}

}  // namespace verge::graph
