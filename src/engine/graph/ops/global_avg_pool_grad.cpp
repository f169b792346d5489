// dx of global_avg_pool: dy / ({height} * {width}) everywhere.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Input dy [n, c]. Output [n, c, {height}, {width}].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "dy", 2));
  Dims x = context.dims(0);
  x.emplace_back(context.node.attrs.integer("height"));
  x.emplace_back(context.node.attrs.integer("width"));
  context.outputs = {{compute_dtype(context.type(0).dtype), x}};
  return {};
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0));
  const auto area = static_cast<size_t>(call.out().shape[2] * call.out().shape[3]);
  std::vector<double> dx(dy.size() * area);
  for (size_t i = 0; i < dx.size(); ++i) dx[i] = dy[i / area] / static_cast<double>(area);
  store(call.out(), dx);
}

}  // namespace

OpDef global_avg_pool_grad() {
  return {.name = "global_avg_pool_grad", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
