#pragma once
// fuse_activations: activations that exporters write out become one operator: hardsigmoid as a line
// and a clip; hardswish as x times that, with the division by 6 before or after; SiLU as x *
// sigmoid(x); GELU by erf and by tanh, wherever the factors stand. Constants may differ from the
// definition's by 1e-6 of their value, those of the tanh form (which exporters round) by 1e-4, and
// results by the rounding of a few operations. Not where the chain's last part but one is read
// elsewhere. Runs after canonicalise, which writes arithmetic with numbers as `scale`, and
// after common_subexpressions, so that equal parts are one value.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_activations(Graph graph);

}  // namespace verge::graph
