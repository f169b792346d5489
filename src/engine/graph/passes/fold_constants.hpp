#pragma once
// fold_constants: nodes that read nothing but constants run now, by their reference, and their
// results become constants. Only small ones, so that compiling stays fast and plans stay small.
// Runs after canonicalise; named outputs stay computed.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fold_constants(Graph graph);

}  // namespace verge::graph
