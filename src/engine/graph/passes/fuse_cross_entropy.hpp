#pragma once
// fuse_cross_entropy: a mean cross-entropy that an importer has written out,
//   -1/rows * sum(one_hot(targets) * log_softmax(logits)),  or with log(softmax(logits)),
// becomes one softmax_cross_entropy, whose gradient (softmax - one hot) / rows costs nothing more
// and which never holds log-probabilities. Runs before differentiation, so that the gradient is the
// fused one as well: ids stay valid, and what nobody reads any more is left to dead_code. Targets
// must be classes: the fused loss leaves a row of target -1 out of the mean.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_cross_entropy(Graph graph);

}  // namespace verge::graph
