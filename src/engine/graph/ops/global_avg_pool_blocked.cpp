// The mean of each channel's image, of the first {channels} of an image in blocks
// (channel_blocks.hpp). A pass makes it of global_avg_pool, for inference: it has no gradient.

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, blocks, h, w, 16]. Output [n, channels].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_blocked(context, 0, "x"));
  VERGE_TRY(const int64_t channels, channels_of(context));
  context.outputs = {{compute_dtype(context.type(0).dtype), {context.dims(0)[0], channels}}};
  return {};
}

Cost cost(const KernelCall& call) {
  const auto adds = static_cast<double>(call.in(0).shape.count());
  return {adds, static_cast<double>(call.in(0).bytes() + call.out().bytes())};
}

void reference(const KernelCall& call) {
  const Tensor image = unblocked(call.in(0));
  const Shape &x = image.shape(), &y = call.out().shape;
  const int64_t area = x[2] * x[3];
  std::vector<double> means(static_cast<size_t>(y.count()));
  for (int64_t i = 0; i < y.count() * area; ++i) {
    const int64_t plane = i / area;
    const int64_t from = (plane / y[1] * x[1] + plane % y[1]) * area + i % area;
    means[static_cast<size_t>(plane)] +=
        image.span<double>()[static_cast<size_t>(from)] / static_cast<double>(area);
  }
  store(call.out(), means);
}

}  // namespace

OpDef global_avg_pool_blocked() {
  return {.name = "global_avg_pool_blocked", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
