// (gate, up, dy) -> (dgate, dup) of swiglu.

#include <verge/engine/graph/activation.hpp>

namespace verge::graph::ops {
namespace {

void reference(const KernelCall& call) {
  glu_grad_reference(call, "silu", silu_of);
}

}  // namespace

OpDef swiglu_grad() {
  return {.name = "swiglu_grad",
          .infer = infer_glu_grad,
          .reference = reference,
          .aliases = {{0, 0, false}, {1, 1, false}}};
}

}  // namespace verge::graph::ops
