#pragma once
// fold_affine: a factor and an addend by channel, beside a convolution of frozen weights, become
// part of its weight and bias (Jacob et al. 2018, section 3.2): batch norm, and products with and
// sums with constants that exporters write in its place, after a convolution or a transposed one;
// factors before them; addends before a convolution without padding. One pass over the image less
// each. It needs the weights' values: what is folded become constants named "<weight>.folded" and
// "<weight>.folded.bias". Only where nobody else reads what lies between, and only for weights that
// no training changes. Results agree but for the rounding of the folded weights. Runs after
// canonicalise and fuse_activations, which need numbers where exporters wrote them, and before
// fuse_conv, for which the activation is then behind the convolution.

#include <functional>
#include <optional>
#include <string_view>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// The values of a parameter; nothing for one that is not there, which is then left as it is.
using ParameterValues = std::function<std::optional<TensorView>(std::string_view name)>;

Graph fold_affine(Graph graph, const ParameterValues& parameters);

}  // namespace verge::graph
