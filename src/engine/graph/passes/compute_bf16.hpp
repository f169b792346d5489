#pragma once
// compute_bf16: lets the matrix products of a training graph, those within attention included,
// round their operands to bf16 and sum
// in f32, about twice the speed where the processor multiplies bf16. Parameters, moments and
// updates stay f32 (Micikevicius et al. 2018).

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph compute_bf16(Graph graph);

}  // namespace verge::graph
