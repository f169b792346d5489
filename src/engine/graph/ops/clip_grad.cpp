// y = grad * min(1, {max_norm} / |grad|): bounds the length of one tensor's gradient. The length of
// all gradients together would keep them all alive until the end.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {3 * count, 12 * count};
}

void reference(const KernelCall& call) {
  double squares = 0;
  for (double g : load(call.in(0))) squares += g * g;
  const double factor =
      squares > 0 ? std::min(1.0, call.attrs.real("max_norm", 1) / std::sqrt(squares)) : 1;
  map_unary(call, [&](double g) { return g * factor; });
}

}  // namespace

OpDef clip_grad() {
  return {.name = "clip_grad",
          .infer = infer_like_input,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
