#include <verge/engine/graph/optimizer.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

Status expect_update_shapes(const InferContext& context, std::initializer_list<size_t> like_p,
                            size_t lr) {
  for (size_t i : like_p) {
    if (!context.has(i)) continue;
    VERGE_RETURN_IF_ERROR(expect_dims(context, i, i == 1 ? "grad" : "moment", context.dims(0)));
  }
  if (is_quantized(context.type(0).dtype)) {
    return context.fail("p is quantized; train an adapter or a plain copy of it");
  }
  return expect_dims(context, lr, "lr", {});
}

}  // namespace verge::graph
