#pragma once
// What reduce_sum, reduce_mean and reduce_max share: attributes {axes, keep}.

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

/// `x` without the axes of {axes}, or with extent 1 there.
Dims reduced_dims(const Dims& x, const Attrs& attrs, bool keep);
Status infer_reduction(InferContext& context);
Cost reduction_cost(const KernelCall& call);

/// For each element of `x`, the element of the result it goes into.
std::vector<size_t> reduction_groups(const Shape& x, const Attrs& attrs);

/// The attributes of a gradient op that restores the shape of input 0: {axes, dims, symbols}.
Attrs reduced_from(const GradientContext& context);
/// A value of the result's shape, repeated to the shape of input 0.
ValueId broadcast_back(GradientContext& context, ValueId value);

/// out = f(the values of each group).
template <typename F>
void reduce(const KernelCall& call, F f) {
  const std::vector<double> x = load(call.in(0));
  const std::vector<size_t> group = reduction_groups(call.in(0).shape, call.attrs);
  std::vector<std::vector<double>> members(static_cast<size_t>(call.out().shape.count()));
  for (size_t i = 0; i < x.size(); ++i) members[group[i]].push_back(x[i]);
  std::vector<double> y;
  for (const std::vector<double>& values : members) y.push_back(f(values));
  store(call.out(), y);
}

}  // namespace verge::graph
