// dx of max_pool2d: each dy goes to the element of its window that won.

#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [n, c, ...], index u8 like dy. Output dx [n, c, {height}, {width}].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "index", DType::U8));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "index", context.dims(0)));
  return infer_pool_grad(context);
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0)), index = load(call.in(1));
  std::vector<double> dx(static_cast<size_t>(call.out().shape.count()));
  for_each_window_element(call.in(0).shape, call.out().shape, Window2d(call.attrs),
                          [&](size_t from, size_t to, size_t tap) {
                            if (index[from] == static_cast<double>(tap)) dx[to] += dy[from];
                          });
  store(call.out(), dx);
}

}  // namespace

OpDef max_pool2d_grad() {
  return {.name = "max_pool2d_grad", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
