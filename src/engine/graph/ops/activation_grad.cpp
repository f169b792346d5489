// dx of the activation {of}, from what that one saves: y of sigmoid, tanh and softcap; x of silu,
// gelu, hswish, hsigmoid and leaky_relu. The other attributes are those of the activation.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: saved, dy. Output dx, all of one shape.
Status infer(InferContext& context) {
  const std::string_view of = context.node.attrs.text("of");
  if (!has_activation_slope(of)) return context.fail(fmt::format("of is \"{}\"", of));
  return infer_same_shape(context);
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.out().shape.count());
  return {8 * count, 12 * count};
}

void reference(const KernelCall& call) {
  map_binary(call, [&](double saved, double dy) {
    return dy * activation_slope(call.attrs.text("of"), call.attrs, saved);
  });
}

}  // namespace

OpDef activation_grad() {
  return {.name = "activation_grad",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 1, false}, {0, 0, false}}};
}

}  // namespace verge::graph::ops
