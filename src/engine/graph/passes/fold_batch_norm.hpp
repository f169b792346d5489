#pragma once
// fold_batch_norm: in a frozen network, batch norm after a convolution is a
// factor and an addend by output channel, which the weight and the bias can carry (Jacob et al.
// 2018, section 3.2): one pass over the image less. It needs the weights' values: the folded weight
// and bias become constants named "<weight>.folded" and "<weight>.folded.bias". Only where nobody
// else reads the product, and only for weights that no training changes. Runs before the other
// passes.

#include <functional>
#include <optional>
#include <string_view>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// The values of a parameter; nothing for one that is not there, which is then left as it is.
using ParameterValues = std::function<std::optional<TensorView>(std::string_view name)>;

Graph fold_batch_norm(Graph graph, const ParameterValues& parameters);

}  // namespace verge::graph
