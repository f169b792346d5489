#pragma once
// The shape rules and reference loops of operators that work element by element, with NumPy's
// broadcasting where they take several tensors.

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

/// Output 0 has the type of input 0.
Status infer_like_input(InferContext& context);
/// Inputs 0 and 1 (and all others given) have the same extents; output 0 has the type of input 0.
Status infer_same_shape(InferContext& context);
/// Output 0 has the extents of inputs 0 and 1 broadcast against each other.
Status infer_broadcast(InferContext& context);

/// Both shapes aligned at their last axes, where an extent of 1 repeats. Fails naming both extents.
Result<Dims> broadcast_dims(const InferContext& context, const Dims& a, const Dims& b);

/// Sums a gradient over the axes along which a tensor of extents `dims` was broadcast.
ValueId sum_to(Builder& builder, ValueId gradient, Dims dims);

/// A constant 0 of rank 0, of the type of `like`.
ValueId emit_zero(Builder& builder, ValueId like);

/// The gradient of maximum and minimum: dy goes to input 0 where `input 0 {relation} input 1`
/// holds, else to input 1.
void emit_choice_grad(GradientContext& context, std::string_view relation);

/// For each element of `to`, the index of the element of `from` that is broadcast there.
std::vector<size_t> broadcast_indices(const Shape& from, const Shape& to);

/// out = f(in) for each element.
template <typename F>
void map_unary(const KernelCall& call, F f) {
  std::vector<double> values = load(call.in(0));
  for (double& value : values) value = f(value);
  store(call.out(), values);
}

/// out = f(a, b) with broadcasting.
template <typename F>
void map_binary(const KernelCall& call, F f) {
  const std::vector<double> a = load(call.in(0)), b = load(call.in(1));
  const std::vector<size_t> at_a = broadcast_indices(call.in(0).shape, call.out().shape);
  const std::vector<size_t> at_b = broadcast_indices(call.in(1).shape, call.out().shape);
  std::vector<double> y(at_a.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = f(a[at_a[i]], b[at_b[i]]);
  store(call.out(), y);
}

}  // namespace verge::graph
