// y = clip(round((a - a_zero) * (b - b_zero) * multiplier) + y_zero): the product of two
// activations as levels (levels.hpp), by element or by channel of each image.

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: a, i8 or u8; b like a, or of an image a [n, c, h, w] a factor for each channel, [n, c, 1,
// 1]. Output y like a. {multiplier}: the scales of a and b over that of y, rounded to f32; {a_zero,
// b_zero} 0; {to, y_zero, low, high, layout}: levels.hpp.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 0, "a", "a_zero"));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 1, "b", "b_zero"));
  VERGE_RETURN_IF_ERROR(expect_factor(context, "multiplier"));
  const Dims a = context.dims(0), b = context.dims(1);
  if (a != b) {
    VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "a", 4));
    const Dims image = channels_first(a, context.node.attrs);
    const Dims wanted = in_layout({image[0], image[1], 1, 1}, context.node.attrs);
    VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "b", wanted));
  }
  return infer_levels(context, a);
}

void reference(const KernelCall& call) {
  const bool is_by_channel = call.in(0).shape != call.in(1).shape;
  std::vector<double> a = is_by_channel ? load_image(call.in(0), call.attrs) : load(call.in(0));
  const std::vector<double> b = load(call.in(1));  // [n, c] in either layout
  const size_t area = b.empty() ? 1 : a.size() / b.size();
  const auto a_zero = static_cast<double>(call.attrs.integer("a_zero"));
  const auto b_zero = static_cast<double>(call.attrs.integer("b_zero"));
  const auto factor = static_cast<float>(call.attrs.real("multiplier"));
  const Levels levels(call.attrs);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = levels.of(static_cast<float>((a[i] - a_zero) * (b[i / area] - b_zero)) * factor);
  }
  if (is_by_channel) {
    store_image(call.out(), a, call.attrs);
  } else {
    store(call.out(), a);
  }
}

}  // namespace

OpDef mul_int8() {
  return {.name = "mul_int8", .infer = infer, .reference = reference, .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
