#pragma once
// UpdateScheme: which tensors of a trained network a fine-tuning updates, and how much of each: the
// sparse updates of Lin et al. 2022 ("On-Device Training Under 256KB Memory") and Zhu et al. 2023
// ("PockEngine"), low-rank factors (Hu et al. 2021) beside them. apply_scheme makes of a forward
// graph and a scheme what autodiff takes; all that the scheme leaves out is never differentiated.
//
//   VERGE_TRY(auto scheme, preset_scheme("last:2", graph));
//   VERGE_TRY(auto part, apply_scheme(graph, scheme, values));
//   differentiate(part.graph, loss, part.trainable, part.slices);

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/channel_slice.hpp>
#include <verge/engine/graph/low_rank.hpp>

namespace verge::nn {

enum class UpdateKind { None, Bias, Full, Channels };
enum class ChannelChoice { LargestNorm, SmallestNorm, Random, Given };

/// What is updated of a layer. Bias: its bias, or that of the norm behind it; Full: all of it;
/// Channels: its bias and floor(ratio * channels) channels of its weight.
struct LayerUpdate {
  UpdateKind kind = UpdateKind::None;
  double ratio = 1;
  ChannelChoice choice = ChannelChoice::LargestNorm;  // by the L2 norm of their weights
  std::vector<int32_t> channels = {};                 // of Given
  bool operator==(const LayerUpdate&) const = default;
};

struct UpdateScheme {
  std::map<std::string, LayerUpdate> layers = {};  // by the name of the weight
  std::optional<graph::LowRank> lora = {};         // beside every linear layer and 1x1 convolution
  bool operator==(const UpdateScheme&) const = default;
};

/// What of a transformer's block a layer is.
enum class LayerRole { Other, Attention, FirstFeedForward };

/// A layer that has something to update, in the order of the graph.
struct UpdatableLayer {
  std::string weight = {};  // its name
  graph::ValueId id = graph::kNone;
  graph::ValueId bias = graph::kNone;   // its own, or of the norm behind it
  graph::ValueId scale = graph::kNone;  // of the norm behind it
  std::string op = {};                  // "conv2d", "linear", "rms_norm", "embedding", ...
  int64_t axis = 1;                     // along which it has channels
  int64_t channels = 0;                 // 0: none of its own can be updated alone
  bool is_head = false;                 // always updated
  bool takes_low_rank = false;
  std::string block = {};  // what is counted as one: "blk.3", "block.3", or the layer itself
  LayerRole role = LayerRole::Other;

  bool is_in_block() const { return block != weight; }
};
/// Blocks of a transformer are known by names of GGUF ("blk.3."), or else found by their attention
/// (transformer_layers.hpp). Where they are found, or there are none, the last product is the head.
std::vector<UpdatableLayer> updatable_layers(const graph::Graph& graph);

/// "full", "bias" (biases; where a network has none, the weights of its norms), "head", "last:K"
/// (all of the last K blocks, and what lies behind them), "lora:R" or "lora:R:ALPHA", and the
/// schemes of Lin et al. 2022, table 9, counted in convolutions: mcunet-49KB, mcunet-99KB,
/// mcunet-148KB, mobilenetv2-99KB, or by blocks as in update_blocks.hpp. Fails with InvalidArgument
/// for another word or a network that is too small.
Result<UpdateScheme> preset_scheme(std::string_view name, const graph::Graph& graph);

/// Values of a parameter, f32; what a choice by norm is made of.
using WeightValues = std::function<std::vector<float>(const std::string& name)>;

struct TrainablePart {
  graph::Graph graph;
  std::vector<graph::ValueId> trainable;
  graph::ChannelSlices slices;
  int64_t parameters = 0;             // that are updated
  std::vector<std::string> low_rank;  // weights with factors beside them
};

/// The part of a training graph that a scheme leaves. A head is updated whatever the scheme says,
/// except beside the low-rank factors of a language model, whose file is the factors alone.
/// Fails with InvalidArgument where the scheme names a layer that the graph does not have, or
/// channels that the layer does not have.
Result<TrainablePart> apply_scheme(graph::Graph forward, const UpdateScheme& scheme,
                                   const WeightValues& values, uint64_t seed = 1);

}  // namespace verge::nn
