// dx = 2 (x - target) / count * dloss.

#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x, target like x, dloss []. Output like x.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "target", context.dims(0)));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "dloss", {}));
  return infer_like_input(context);
}

void reference(const KernelCall& call) {
  const std::vector<double> target = load(call.in(1));
  const double factor = 2 * load(call.in(2))[0] / static_cast<double>(target.size());
  std::vector<double> x = load(call.in(0));
  for (size_t i = 0; i < x.size(); ++i) x[i] = factor * (x[i] - target[i]);
  store(call.out(), x);
}

}  // namespace

OpDef mse_loss_grad() {
  return {.name = "mse_loss_grad",
          .infer = infer,
          .reference = reference,
          .aliases = {{0, 0, false}, {0, 1, false}}};
}

}  // namespace verge::graph::ops
