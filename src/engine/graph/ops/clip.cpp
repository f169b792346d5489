// y = min(max(x, {min}), {max}), and a bit for each element: whether it passed. ReLU6 is {0, 6}.

#include <verge/engine/graph/bit_mask.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

void reference(const KernelCall& call) {
  clip_with_mask(call, call.attrs.real("min", -HUGE_VAL), call.attrs.real("max", HUGE_VAL));
}

}  // namespace

OpDef clip() {
  return {.name = "clip",
          .infer = infer_with_mask,
          .gradient = mask_gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
