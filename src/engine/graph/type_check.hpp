#pragma once
// Whether symbols and types from outside make sense: what must hold before anything is computed
// from them.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Bounds that are not negative, and so small that products of extents can be checked.
Status check_symbols(const Graph& graph);

/// At most Shape::kMaxRank extents of existing symbols, an element count that fits, whole blocks in
/// each row. The error says why, not of what.
Status check_type(const Graph& graph, const Type& type);

}  // namespace verge::graph
