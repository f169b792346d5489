// Two convolutions of levels as one: a 1x1 convolution that makes more channels and a depthwise one
// of each of them, so that a channel in between lives only while it is made. Images of levels at
// the beginning of a network are larger between the two than anywhere else. Made by fusion.

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// As conv2d_int8 has them: of the first the attributes {x_zero} and {middle_zero, middle_low,
// middle_high} of its result, of the second {strides, pads, dilations} and {y_zero, low, high}.
Attrs first_attrs(const Attrs& all) {
  return {{"x_zero", all.integer("x_zero")},
          {"y_zero", all.integer("middle_zero")},
          {"low", all.integer("middle_low", least_level(DType::I8))},
          {"high", all.integer("middle_high", largest_level(DType::I8))}};
}

Attrs second_attrs(const Attrs& all, int64_t channels) {
  Attrs attrs{{"x_zero", all.integer("middle_zero")},
              {"y_zero", all.integer("y_zero")},
              {"low", all.integer("low", least_level(DType::I8))},
              {"high", all.integer("high", largest_level(DType::I8))},
              {"groups", channels}};
  for (const char* name : {"strides", "pads", "dilations"}) {
    if (all.has(name)) attrs.set(name, all.list(name));
  }
  return attrs;
}

Status expect_middle(const InferContext& context) {
  const Attrs& attrs = context.node.attrs;
  const int64_t least = least_level(DType::I8), most = largest_level(DType::I8);
  const int64_t zero = attrs.integer("middle_zero"), low = attrs.integer("middle_low", least),
                high = attrs.integer("middle_high", most);
  if (zero >= least && zero <= most && low >= least && low <= high && high <= most) return {};
  return context.fail(
      fmt::format("middle_zero is {}, [middle_low, middle_high] [{}, {}]; i8 holds "
                  "[{}, {}]",
                  zero, low, high, least, most));
}

// Inputs: x i8 [n, in, h, w]; w i8 [middle, in, 1, 1], bias i32, multiplier f32 [middle]; w i8
// [middle, 1, kh, kw], bias i32, multiplier f32 [middle]. Output y i8 [n, middle, ...].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(7));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 0, "x", "x_zero"));
  const Dims &x = context.dims(0), &first = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "the first w", 4));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 4, "the second w", 4));
  const Dims &second = context.dims(4), channels = {first[0]};
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "the first w", {first[0], x[1], 1, 1}));
  VERGE_RETURN_IF_ERROR(
      expect_dims(context, 4, "the second w", {first[0], 1, second[2], second[3]}));
  for (const size_t weight : {1, 4}) {
    VERGE_RETURN_IF_ERROR(expect_dtype(context, weight, "w", DType::I8));
    VERGE_RETURN_IF_ERROR(expect_dtype(context, weight + 1, "bias", DType::I32));
    VERGE_RETURN_IF_ERROR(expect_dims(context, weight + 1, "bias", channels));
    VERGE_RETURN_IF_ERROR(expect_dtype(context, weight + 2, "multiplier", DType::F32));
    VERGE_RETURN_IF_ERROR(expect_dims(context, weight + 2, "multiplier", channels));
  }
  const double taps = static_cast<double>(second[2].factor) * static_cast<double>(second[3].factor);
  if (!fits_sum(static_cast<double>(x[1].factor)) || !fits_sum(taps)) {
    return context.fail("sums of so many products of levels do not fit 32 bits");
  }
  const Attrs& attrs = context.node.attrs;
  VERGE_RETURN_IF_ERROR(expect_middle(context));
  if (attrs.text("to", "i8") != "i8" || is_channels_last(attrs) ||
      context.type(0).dtype != DType::I8) {
    return context.fail("levels are i8 and channels come first");
  }
  const Window2d window(attrs, second[2].factor, second[3].factor);
  VERGE_TRY(Dims y, windowed_dims(context, x, first[0], window));
  return infer_levels(context, std::move(y));
}

Cost cost(const KernelCall& call) {
  const Shape& x = call.in(0).shape;
  const Shape middle = {x[0], call.in(1).shape[0], x[2], x[3]};
  Cost cost = convolution_cost(call, middle, call.in(1).shape);
  cost.flops += 2 * static_cast<double>(call.out().shape.count()) *
                static_cast<double>(call.in(4).shape[2] * call.in(4).shape[3]);
  return cost;
}

void reference(const KernelCall& call) {
  const OpDef* conv = find_op("conv2d_int8");
  const Shape& x = call.in(0).shape;
  const Tensor middle(DType::I8, {x[0], call.in(1).shape[0], x[2], x[3]});
  const TensorView first[] = {call.in(0), call.in(1), call.in(2), call.in(3)};
  const TensorView second[] = {middle.view(), call.in(4), call.in(5), call.in(6)};
  const TensorView between[] = {middle.view()};
  const Attrs of_first = first_attrs(call.attrs),
              of_second = second_attrs(call.attrs, call.in(1).shape[0]);
  conv->reference({first, between, of_first});
  conv->reference({second, call.outputs, of_second});
}

}  // namespace

OpDef expand_depthwise_int8() {
  return {.name = "expand_depthwise_int8", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
