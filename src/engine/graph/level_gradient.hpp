#pragma once
// Gradients of the operators on 8-bit levels (levels.hpp): rounding passes a gradient on as it is,
// clipping stops it (Bengio et al. 2013, the straight-through estimator), so that a result is
// differentiated as clip(v, low, high) of the value v before it was rounded. Gradients are f32 and
// by levels: d loss / d level. What is kept of a result is one bit an element, what is kept of an
// input are its levels. Lin et al. 2022, "On-Device Training Under 256KB Memory", section 3.1.

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// dy of output 0 where the result was not clipped, times `multiplier` [channels] (or kNone) and
/// {factor}: the gradient of the sum that the result was made of.
ValueId emit_sum_gradient(GradientContext& context, ValueId multiplier, double factor = 1);

void conv2d_int8_gradient(GradientContext& context);
void linear_int8_gradient(GradientContext& context);
void add_int8_gradient(GradientContext& context);
void avg_pool2d_int8_gradient(GradientContext& context);

}  // namespace verge::graph
