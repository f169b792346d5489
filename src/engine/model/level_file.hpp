#pragma once
// The safetensors file of a network of levels (nn/level_network.hpp): its tensors as they are, i8,
// i32 and f32, and in its metadata the graph, what a level of each is worth and how pictures become
// the input's levels. It is what `verge compile --train --int8` makes of a network and what a
// tuning of it leaves.
//   verge.architecture "levels"; verge.levels.graph: the forward graph at batch 1, without a loss
//   (graph/text_form.hpp); verge.levels.input "SCALE ZERO"; verge.levels.scales: JSON {param:
//   [multiplier, ratio]}; verge.cnn.*: sizes and normalization (image_network.hpp).

#include <map>
#include <string>

#include <verge/engine/model/image_network.hpp>
#include <verge/engine/nn/level_network.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::model {

struct LevelFile {
  graph::Graph graph;  // input `images` i8, output "logits" f32
  std::string images;
  nn::LevelForm input;
  graph::LevelScales scales;
  ImageNetwork network;
  std::map<std::string, runtime::InitialTensor> weights;  // where they lie in the file
};

bool is_level_file(const format::Safetensors& file);

/// `forward` is at batch 1. `lineage` goes into the metadata as verge.lineage.*.
Status write_level_file(const std::string& path, const LevelFile& file,
                        const std::vector<std::pair<std::string, std::string>>& lineage);

/// With the graph at this batch. Fails as Safetensors::open does, and with Malformed, naming the
/// path, where a key or a tensor is missing or the graph is none.
Result<LevelFile> read_level_file(const std::string& path, int64_t batch);
Result<LevelFile> read_level_file(const format::Safetensors& file, const std::string& path,
                                  int64_t batch);

/// The graph with its first extent, 1, made `batch` wherever it depends on the input.
Result<graph::Graph> with_batch(const graph::Graph& graph, int64_t batch);

}  // namespace verge::model
