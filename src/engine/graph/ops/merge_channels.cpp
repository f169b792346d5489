// y = p with y[..., channels, ...] = values along {axis}: a frozen weight with the channels that
// learn in a tensor of their own. Not in place: p stays in the model's file.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph::ops {
namespace {

// Inputs as of scatter_channels. Output like p.
Status infer(InferContext& context) {
  return find_op("scatter_channels")->infer(context);
}

// Of the values alone. Where the gradient of y is that of those channels already (differentiate
// was asked for a slice), it is theirs.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  if (context.needs(0)) {
    b.fail(make_error(Code::Unsupported,
                      "merge_channels ({}): the tensor itself is frozen; update its channels alone",
                      context.node.source));
  }
  if (!context.needs(1)) return;
  const Dims& wanted = b.type(context.input(1)).dims;
  ValueId dy = context.grad();
  if (b.type(dy).dims != wanted) {
    dy = b.op("gather", {dy, context.input(2)}, {{"axis", context.node.attrs.integer("axis")}});
  }
  context.set(1, dy);
}

Cost cost(const KernelCall& call) {
  return {0, static_cast<double>(2 * call.out().bytes() + 2 * call.in(1).bytes())};
}

void reference(const KernelCall& call) {
  const TensorView inputs[] = {call.in(0), call.in(1), call.in(2)};
  find_op("scatter_channels")->reference({inputs, call.outputs, call.attrs});
}

}  // namespace

OpDef merge_channels() {
  return {.name = "merge_channels",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
