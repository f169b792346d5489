#pragma once
// canonicalise: one form for what can be written in several, and no work that changes nothing.
// Constants stand on the right of commutative operators; a reshape of a reshape, a transpose of a
// transpose and a scale of a scale become one; x + 0, x * 1 and reshapes to the same extents
// vanish; x + c, x * c and, of f32, x / c with one constant c become a scale. Runs first, so that
// later passes need to know one form only. Named outputs keep the node that computes them.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph canonicalise(Graph graph);

}  // namespace verge::graph
