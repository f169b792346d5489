// The first {channels} of an image in blocks (channel_blocks.hpp), plane by plane.

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, blocks, h, w, 16]. Output [n, channels, h, w].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_blocked(context, 0, "x"));
  Dims y = unblocked_dims(context.dims(0));
  VERGE_TRY(y[1].factor, channels_of(context));
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

void reference(const KernelCall& call) {
  const Tensor image = unblocked(call.in(0));
  const Shape& y = call.out().shape;
  const auto used = static_cast<size_t>(y[1] * y[2] * y[3]);
  const auto all = static_cast<size_t>(image.shape()[1] * y[2] * y[3]);
  std::vector<double> values(static_cast<size_t>(y.count()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = image.span<double>()[i / used * all + i % used];
  }
  store(call.out(), values);
}

}  // namespace

OpDef unblock_channels() {
  return {.name = "unblock_channels", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
