#pragma once
// Blocks of a transformer in a graph without names, as ONNX files have them: found by attention
// that is written out as products around a softmax.

#include <vector>

#include <verge/engine/nn/update_scheme.hpp>

namespace verge::nn {

/// Sets `block` ("block.0", ...) and `role` of the layers that belong to one: from the query, key
/// and value of an attention (and a norm that they alone read) to those of the next; of the last
/// one to the last sum of two activations and the norms of it. Attention is a softmax whose input
/// comes from linear layers and whose result goes through a product into one. `layers` are in the
/// order of the graph.
void find_transformer_blocks(const graph::Graph& graph, std::vector<UpdatableLayer>& layers);

}  // namespace verge::nn
