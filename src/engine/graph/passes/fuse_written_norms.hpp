#pragma once
// fuse_written_norms: layer norm, RMS norm and softmax over the last axis that exporters write out
// of means, roots and quotients become one operator: (x - mean(x)) / sqrt(mean((x - mean(x))^2) +
// eps), then times a weight and plus a bias of one row; x / sqrt(mean(x^2) + eps), then times a
// weight; exp(x - max(x)) / sum(exp(x - max(x))), with or without the maximum. Only where nobody
// else reads the root or the sum. Results agree but for rounding. Runs after canonicalise and
// common_subexpressions, as fuse_activations does.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_written_norms(Graph graph);

}  // namespace verge::graph
