// (gate, up, dy) -> (dgate, dup) of geglu.

#include <verge/engine/graph/activation.hpp>

namespace verge::graph::ops {
namespace {

void reference(const KernelCall& call) {
  glu_grad_reference(call, "gelu", gelu_of);
}

}  // namespace

OpDef geglu_grad() {
  return {.name = "geglu_grad",
          .infer = infer_glu_grad,
          .reference = reference,
          .aliases = {{0, 0, false}, {1, 1, false}}};
}

}  // namespace verge::graph::ops
