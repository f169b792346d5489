#include <algorithm>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/nn/update_blocks.hpp>

namespace verge::nn {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueKind;

struct Convolution {
  size_t layer = 0;
  bool is_pointwise = false, is_depthwise = false;
};

bool is_convolution(const Node& node) {
  return node.op->name == "conv2d" || node.op->name == "conv2d_int8";
}

bool is_sum_of_activations(const Graph& graph, const Node& node) {
  if (node.op->name != "add" && node.op->name != "add_int8") return false;
  return std::ranges::all_of(node.inputs, [&](graph::ValueId id) {
    return graph.value(id).kind == ValueKind::Activation;
  });
}

// The layer that a node is, or none.
std::optional<Convolution> convolution_of(const Graph& graph, const Node& node,
                                          const std::vector<UpdatableLayer>& layers) {
  if (!is_convolution(node)) return std::nullopt;
  const auto at = std::ranges::find(layers, node.inputs[1], &UpdatableLayer::id);
  if (at == layers.end()) return std::nullopt;
  const graph::Dims& w = graph.value(at->id).type.dims;
  const int64_t groups = node.attrs.integer("groups", 1);
  return Convolution{static_cast<size_t>(at - layers.begin()),
                     groups == 1 && w[2].factor == 1 && w[3].factor == 1,
                     groups > 1 && w[0].factor == groups && w[1].factor == 1};
}

std::vector<LayerBlock> last(std::vector<LayerBlock> blocks, size_t count) {
  if (blocks.size() > count)
    blocks.erase(blocks.begin(), blocks.end() - static_cast<std::ptrdiff_t>(count));
  return blocks;
}

Error too_few(std::string_view name, std::string_view what, size_t needed, size_t found) {
  return make_error(Code::InvalidArgument, "{} is for networks of at least {} {}, this one has {}",
                    name, needed, what, found);
}

using Layers = std::vector<UpdatableLayer>;

Result<UpdateScheme> mobilenet(std::string_view name, const Graph& graph, const Layers& layers) {
  constexpr size_t kBlocks = 7;
  const auto all = inverted_blocks(graph, layers);
  if (all.size() < kBlocks) return too_few(name, "inverted blocks", kBlocks, all.size());
  UpdateScheme scheme;
  for (const LayerBlock& block : last(all, kBlocks)) {
    for (const size_t i : block) scheme.layers[layers[i].weight].kind = UpdateKind::Bias;
    scheme.layers[layers[block.front()].weight].kind = UpdateKind::Full;
  }
  return scheme;
}

Result<UpdateScheme> whole_blocks(std::string_view name, const std::vector<LayerBlock>& all,
                                  const Layers& layers, size_t count) {
  if (all.size() < count) return too_few(name, "blocks", count, all.size());
  UpdateScheme scheme;
  for (const LayerBlock& block : last(all, count)) {
    for (const size_t i : block) scheme.layers[layers[i].weight].kind = UpdateKind::Full;
  }
  return scheme;
}

Result<UpdateScheme> bert(std::string_view name, const Layers& layers) {
  constexpr size_t kBiases = 6, kWeights = 4;
  const auto all = transformer_blocks(layers);
  if (all.size() < kBiases) return too_few(name, "blocks", kBiases, all.size());
  UpdateScheme scheme;
  for (const LayerBlock& block : last(all, kBiases)) {
    const bool has_biases =
        std::ranges::any_of(block, [&](size_t i) { return layers[i].bias != graph::kNone; });
    for (const size_t i : block) {
      if (layers[i].bias != graph::kNone) scheme.layers[layers[i].weight].kind = UpdateKind::Bias;
      const bool is_norm = layers[i].op.ends_with("_norm");
      if (!has_biases && is_norm) scheme.layers[layers[i].weight].kind = UpdateKind::Full;
    }
  }
  for (const LayerBlock& block : last(all, kWeights)) {
    for (const size_t i : block) {
      if (layers[i].role != LayerRole::Other) {
        scheme.layers[layers[i].weight].kind = UpdateKind::Full;
      }
    }
  }
  return scheme;
}

}  // namespace

std::vector<LayerBlock> inverted_blocks(const Graph& graph, const Layers& layers) {
  std::vector<Convolution> all;
  for (const Node& node : graph.nodes) {
    if (const auto found = convolution_of(graph, node, layers)) all.push_back(*found);
  }
  std::vector<LayerBlock> blocks;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_depthwise || i == 0 || !all[i - 1].is_pointwise) continue;
    blocks.push_back({all[i - 1].layer, all[i].layer});
    if (i + 1 < all.size() && all[i + 1].is_pointwise) blocks.back().push_back(all[i + 1].layer);
  }
  return blocks;
}

std::vector<LayerBlock> residual_blocks(const Graph& graph, const Layers& layers) {
  std::vector<LayerBlock> blocks;
  LayerBlock open;
  for (const Node& node : graph.nodes) {
    if (const auto found = convolution_of(graph, node, layers)) open.push_back(found->layer);
    if (!is_sum_of_activations(graph, node) || open.empty()) continue;
    blocks.push_back(std::move(open));
    open = {};
  }
  return blocks;
}

std::vector<LayerBlock> transformer_blocks(const Layers& layers) {
  std::vector<LayerBlock> blocks;
  std::string name;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].is_in_block()) continue;
    if (layers[i].block != name) blocks.emplace_back();
    name = layers[i].block;
    blocks.back().push_back(i);
  }
  return blocks;
}

std::optional<Result<UpdateScheme>> block_scheme(std::string_view name, const Graph& graph,
                                                 const Layers& layers) {
  constexpr size_t kResnetBlocks = 8, kLlamaBlocks = 5;
  if (name == "pockengine-mobilenetv2") return mobilenet(name, graph, layers);
  if (name == "pockengine-resnet50") {
    return whole_blocks(name, residual_blocks(graph, layers), layers, kResnetBlocks);
  }
  if (name == "pockengine-bert") return bert(name, layers);
  if (name == "pockengine-llama2") {
    return whole_blocks(name, transformer_blocks(layers), layers, kLlamaBlocks);
  }
  return std::nullopt;
}

}  // namespace verge::nn
