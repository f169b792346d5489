#pragma once
// The activation functions as plain functions of one double, their slopes, and the emission of
// their gradients.

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

double sigmoid_of(double x);
double silu_of(double x);
/// The tanh form: x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
double gelu_of(double x);
double gelu_erf_of(double x);
double hsigmoid_of(double x);
double hswish_of(double x);

/// The activation a linear or convolution applies to its result: none, relu, relu6 (clip to 0..6),
/// silu, sigmoid, hswish, hsigmoid, gelu, gelu_erf. Null when the name is not one of these.
double (*fused_activation(std::string_view name))(double);

/// The slope of the activation `of` (an operator's name) with that operator's attributes.
/// `saved` is y of sigmoid, tanh and softcap, x of the others.
double activation_slope(std::string_view of, const Attrs& attrs, double saved);
bool has_activation_slope(std::string_view of);

/// Emits activation_grad for the node of the context.
ValueId emit_activation_grad(GradientContext& context, ValueId saved);

/// The gradients of linear's or conv2d's fused activation: dy before it, from z, its input.
ValueId emit_fused_activation_grad(Builder& builder, std::string_view name, ValueId z, ValueId dy);

/// swiglu_grad and geglu_grad: (gate, up, dy) -> (dgate, dup), all of one shape.
Status infer_glu_grad(InferContext& context);
void emit_glu_grad(GradientContext& context, std::string_view op);
void glu_grad_reference(const KernelCall& call, std::string_view of, double (*activation)(double));

}  // namespace verge::graph
