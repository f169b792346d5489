// min(1, {max_norm} / |inputs|): what all gradients are multiplied with so that
// together they are no longer than max_norm. Pascanu et al. 2013, section 3.2.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Any number of inputs [], each the length of a gradient. Output [].
Status infer(InferContext& context) {
  const size_t count = std::max<size_t>(1, context.node.inputs.size());
  VERGE_RETURN_IF_ERROR(context.require_inputs(count));
  for (size_t i = 0; i < count; ++i) {
    VERGE_RETURN_IF_ERROR(expect_dims(context, i, fmt::format("input {}", i), {}));
  }
  context.outputs = {context.type(0)};
  return {};
}

Cost cost(const KernelCall& call) {
  const auto count = static_cast<double>(call.inputs.size());
  return {count, 4 * count};
}

void reference(const KernelCall& call) {
  double squares = 0;
  for (const TensorView& length : call.inputs) squares += std::pow(load(length)[0], 2);
  const double most = call.attrs.real("max_norm", 1), norm = std::sqrt(squares);
  store(call.out(), {norm > most ? most / norm : 1});
}

}  // namespace

OpDef clip_factor() {
  return {.name = "clip_factor", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
