// y = max(x, 0), and a bit for each element: whether it passed.

#include <algorithm>

#include <verge/engine/graph/bit_mask.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

void reference(const KernelCall& call) {
  clip_with_mask(call, 0, HUGE_VAL);
}

}  // namespace

OpDef relu() {
  return {.name = "relu",
          .infer = infer_with_mask,
          .gradient = mask_gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
