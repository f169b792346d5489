// y = clip(round((w (x - x_zero) + bias) * multiplier) + y_zero): a product of levels (levels.hpp).

#include <verge/engine/graph/level_gradient.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x i8 or u8 [..., in], w i8 [out, in], optional bias i32 [out] in units of x's scale times
// w's, multiplier f32 [out], those two scales over that of y. Output y [..., out]. {x_zero} 0; {to,
// y_zero, low, high}: levels.hpp.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 2));
  const Dims& w = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "x", -1, w[1]));
  VERGE_RETURN_IF_ERROR(expect_product(context, w[0], static_cast<double>(w[1].factor)));
  Dims y = context.dims(0);
  y.back() = w[0];
  return infer_levels(context, std::move(y));
}

Cost cost(const KernelCall& call) {
  const Shape& w = call.in(1).shape;
  const auto bytes = call.in(0).bytes() + call.in(1).bytes() + call.out().bytes();
  return {2 * static_cast<double>(call.in(0).shape.rows()) * static_cast<double>(w.count()),
          static_cast<double>(bytes)};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), w = load(call.in(1));
  const auto rows = static_cast<size_t>(call.in(0).shape.rows());
  const auto out = static_cast<size_t>(call.in(1).shape[0]);
  const auto in = static_cast<size_t>(call.in(1).shape[1]);
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>(out);
  const std::vector<double> multiplier = load(call.in(3));
  const auto zero = static_cast<double>(call.attrs.integer("x_zero"));
  const Levels levels(call.attrs);
  std::vector<double> y(rows * out);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t o = 0; o < out; ++o) {
      double sum = bias[o];
      for (size_t i = 0; i < in; ++i) sum += (x[row * in + i] - zero) * w[o * in + i];
      y[row * out + o] = levels.of(static_cast<float>(sum) * static_cast<float>(multiplier[o]));
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef linear_int8() {
  return {.name = "linear_int8",
          .infer = infer,
          .gradient = linear_int8_gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
