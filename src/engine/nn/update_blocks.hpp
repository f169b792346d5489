#pragma once
// Blocks of networks by the structure of their graphs, and the schemes that Zhu et al. 2023
// ("PockEngine") use on larger models, which count in blocks. Their paper gives them in prose; they
// are unconfirmed beyond that.

#include <optional>
#include <string_view>
#include <vector>

#include <verge/engine/nn/update_scheme.hpp>

namespace verge::nn {

/// Layers of one block, as indices into updatable_layers, in order.
using LayerBlock = std::vector<size_t>;

/// Inverted blocks (Sandler et al. 2018): each depthwise convolution with the 1x1 convolutions
/// right before and behind it.
std::vector<LayerBlock> inverted_blocks(const graph::Graph& graph,
                                        const std::vector<UpdatableLayer>& layers);
/// Residual blocks (He et al. 2016): the convolutions between two sums of activations.
std::vector<LayerBlock> residual_blocks(const graph::Graph& graph,
                                        const std::vector<UpdatableLayer>& layers);
/// Blocks of a transformer, as updatable_layers() knows them.
std::vector<LayerBlock> transformer_blocks(const std::vector<UpdatableLayer>& layers);

/// "pockengine-mobilenetv2": of the last 7 inverted blocks biases and the first 1x1 weights;
/// "pockengine-resnet50": all of the last 8 residual blocks; "pockengine-bert": of the last 6
/// blocks of a transformer biases (norms where there are none), of the last 4 the weights of
/// attention and of the first half of the feed-forward; "pockengine-llama2": all of the last 5.
/// Nothing for another name; InvalidArgument for a network of fewer blocks.
std::optional<Result<UpdateScheme>> block_scheme(std::string_view name, const graph::Graph& graph,
                                                 const std::vector<UpdatableLayer>& layers);

}  // namespace verge::nn
