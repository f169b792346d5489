#pragma once
// attach_adapters: behind every linear layer that an adapter changes comes a `lora` node
// (ops/lora.cpp), which adds the low-rank product of each row's own adapter (Hu et al. 2021).
// Before: a graph as the model's builder leaves it. After: the same function of its inputs where a
// row has no adapter, bit for bit but for the scalar kernels, which round a gate alone unlike a
// fused one. Runs before the other passes: they join query, key and value still, but not a gate
// with its up projection, between which the nodes now stand.

#include <string>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

struct AdapterLayout {
  int64_t adapters = 0;  // most that exist at once
  int64_t rank = 0;      // the largest; others are padded to it
  DType dtype = DType::F32;
  std::vector<std::string> weights = {};  // the adapted matrices
};

/// Params that the pass adds for a matrix `weight` [out, in]: `weight`.lora_a [adapters, rank, in]
/// and .lora_b [adapters, rank, out] of layout.dtype, .lora_scales f32 [adapters] and .lora_ranks
/// i32 [adapters]. Rows find their adapter in inputs "adapter_of_SYMBOL" i32 [symbol], one for each
/// symbol that counts such rows: adapter_of_tokens, adapter_of_outputs; -1 for none.
Graph attach_adapters(Graph graph, const AdapterLayout& layout);

/// The matrices that can have adapters: params that linear layers read and nothing else does.
std::vector<ValueId> adaptable_weights(const Graph& graph);

}  // namespace verge::graph
