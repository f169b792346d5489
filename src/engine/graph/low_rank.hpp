#pragma once
// add_low_rank: trainable low-rank factors beside frozen products (Hu et al. 2021, "LoRA"), as
// ordinary operators of the forward graph, so that everything that trains a graph trains them.

#include <string>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

struct LowRank {
  int64_t rank = 8;
  double alpha = 16;  // what is added is alpha / rank * B A x
  bool operator==(const LowRank&) const = default;
};

struct LowRankGraph {
  Graph graph;                // ids of the graph before stay valid
  std::vector<ValueId> a, b;  // by weight: "<weight>.lora_a" and "<weight>.lora_b"
};

/// Behind each linear layer and 1x1 convolution of the weights given: A [rank, in], B [out, rank],
/// or [rank, in, 1, 1] and [out, rank, 1, 1]. With B = 0 the graph computes what it did. Fails with
/// Unsupported, naming the layer, for a weight that something else reads.
Result<LowRankGraph> add_low_rank(Graph graph, const std::vector<ValueId>& weights,
                                  const LowRank& form);

/// Whether add_low_rank takes the node: a linear layer or plain 1x1 convolution.
bool takes_low_rank(const Graph& graph, const Node& node);

}  // namespace verge::graph
