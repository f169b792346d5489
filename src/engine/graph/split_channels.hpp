#pragma once
// Channels that learn as parameters of their own: of a weight in `slices` only they are then copied
// to private memory and updated, and the weight itself stays where it lies, in the model's file. A
// forward pass reads both through merge_channels, whose result lives in the arena while it is read.

#include <vector>

#include <verge/engine/graph/autodiff.hpp>

namespace verge::graph {

/// What the parameter of a weight's channels is called.
std::string channels_name(const std::string& weight);

struct SplitGraph {
  Graph graph;
  std::vector<ValueId> trainable;  // with the channels instead of their weights
  ChannelSlices slices;            // of the merged weights, for differentiate
  LevelScales scales;
};

/// For weights that learn along axis 1; others stay as they are. `trainable`, `slices` and `scales`
/// are as for differentiate and add_updates.
Result<SplitGraph> split_channels(Graph graph, std::vector<ValueId> trainable, ChannelSlices slices,
                                  LevelScales scales);

/// Where a graph reads the channels `name` is made of: axis and list; nothing where it does not.
std::optional<ChannelSlice> split_slice(const Graph& graph, const std::string& name);

}  // namespace verge::graph
