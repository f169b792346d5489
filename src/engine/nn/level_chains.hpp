#pragma once
// What of an f32 network becomes one operator on levels; part of to_levels (level_network.hpp).

#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::nn {

bool is_op(const graph::Node& node, std::string_view name);

/// A product or sum with what its levels' range says: the batch norm and the activation behind it.
struct LevelChain {
  const graph::Node* norm = nullptr;
  const graph::Node* activation = nullptr;
  graph::ValueId result = graph::kNone;
};

class LevelChains {
 public:
  explicit LevelChains(const graph::Graph& graph);
  LevelChain from(const graph::Node& node) const;

 private:
  const graph::Node* follower(graph::ValueId id) const;

  const graph::Graph& graph_;
  std::vector<std::vector<graph::NodeId>> readers_;
};

/// For each value, whether `result` is made of it.
std::vector<bool> needed_for(const graph::Graph& graph, graph::ValueId result);

}  // namespace verge::nn
