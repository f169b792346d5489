// A bit for each level: whether it lies between {low} and {high}, so that it was not clipped. What
// a gradient needs to know of a result of levels (level_gradient.hpp).

#include <verge/engine/graph/bit_mask.hpp>
#include <verge/engine/graph/levels.hpp>

namespace verge::graph::ops {
namespace {

// Input x i8 or u8. Output: the mask, u8 (bit_mask.hpp).
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  if (!is_level(context.type(0).dtype)) {
    return context.fail(fmt::format("x is {}, not i8 or u8", name(context.type(0).dtype)));
  }
  if (!context.node.attrs.has("low") || !context.node.attrs.has("high")) {
    return context.fail("low and high are needed");
  }
  const int64_t low = context.node.attrs.integer("low"), high = context.node.attrs.integer("high");
  if (low > high) return context.fail(fmt::format("[low, high] is [{}, {}]", low, high));
  context.outputs = {{DType::U8, mask_dims(context.dims(0))}};
  return {};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const auto low = static_cast<double>(call.attrs.integer("low"));
  const auto high = static_cast<double>(call.attrs.integer("high"));
  auto* bits = call.out().as<uint8_t>();
  std::fill_n(bits, call.out().shape.count(), uint8_t{0});
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > low && x[i] < high) bits[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
  }
}

}  // namespace

OpDef level_mask() {
  return {.name = "level_mask", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
