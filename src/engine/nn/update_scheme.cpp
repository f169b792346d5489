#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <verge/core/nearest_names.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/nn/transformer_layers.hpp>
#include <verge/engine/nn/update_scheme.hpp>

namespace verge::nn {
namespace {

using graph::Dims;
using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::ValueId;
using graph::ValueKind;

constexpr std::string_view kBlockPrefix = "blk.";  // of GGUF

std::string block_of(const std::string& weight) {
  if (!weight.starts_with(kBlockPrefix)) return weight;
  return weight.substr(0, weight.find('.', kBlockPrefix.size()));
}

LayerRole role_of(const std::string& weight) {
  const auto has = [&](std::string_view part) { return weight.find(part) != std::string::npos; };
  if (!weight.starts_with(kBlockPrefix) || has("norm")) return LayerRole::Other;
  if (has(".attn_")) return LayerRole::Attention;
  return has(".ffn_up") || has(".ffn_gate") ? LayerRole::FirstFeedForward : LayerRole::Other;
}

bool has_named_blocks(const std::vector<UpdatableLayer>& layers) {
  return std::ranges::any_of(layers, [](const UpdatableLayer& layer) {
    return layer.is_in_block() && layer.block.starts_with(kBlockPrefix);
  });
}

class LayerFinder {
 public:
  explicit LayerFinder(const Graph& graph) : graph_(graph), layer_of_(graph.values.size(), -1) {}

  std::vector<UpdatableLayer> run() {
    for (const Node& node : graph_.nodes) visit(node);
    if (has_named_blocks(layers_)) {
      mark_head_behind_blocks();
    } else {
      find_transformer_blocks(graph_, layers_);
      mark_last_product();
    }
    return std::move(layers_);
  }

 private:
  bool is_param(const Node& node, size_t input) const {
    return input < node.inputs.size() && node.inputs[input] != kNone &&
           graph_.value(node.inputs[input]).kind == ValueKind::Param;
  }

  void visit(const Node& node) {
    // A convolution of levels is one, with its bias beside it.
    const bool has_levels = node.op->name == "conv2d_int8";
    const std::string_view op = has_levels ? "conv2d" : node.op->name;
    if (op == "batch_norm" || op == "add") return extend(node, op == "add");
    const bool is_norm = op == "rms_norm" || op == "layer_norm";
    const bool is_product = op == "conv2d" || op == "linear";
    const bool is_table = op == "embedding" || is_lookup(node);
    const size_t at = is_table ? 0 : 1;
    if ((!is_norm && !is_product && !is_table) || !is_param(node, at)) return;
    if (is_table) tables_.insert(node.inputs[0]);
    const auto known = std::ranges::find(layers_, node.inputs[at], &UpdatableLayer::id);
    if (known != layers_.end()) return;
    UpdatableLayer layer{.weight = graph_.value(node.inputs[at]).name, .id = node.inputs[at]};
    layer.op = is_table ? "embedding" : op;
    layer.block = block_of(layer.weight);
    layer.role = role_of(layer.weight);
    if (!is_table && op != "rms_norm" && is_param(node, 2)) layer.bias = node.inputs[2];
    if (is_product) measure(node, layer);
    layer_of_[static_cast<size_t>(node.outputs[0])] = static_cast<int>(layers_.size());
    layers_.push_back(std::move(layer));
  }

  // Of ONNX: rows of a table by ids.
  bool is_lookup(const Node& node) const {
    return node.op->name == "gather" && node.attrs.integer("axis") == 0 &&
           graph_.value(node.inputs[0]).type.dims.size() == 2;
  }

  void measure(const Node& node, UpdatableLayer& layer) const {
    const Dims& w = graph_.value(layer.id).type.dims;
    layer.takes_low_rank = graph::takes_low_rank(graph_, node);
    layer.channels = w[1].factor;
    const int64_t groups = node.attrs.integer("groups", 1);
    if (node.op->name == "linear" || groups == 1) return;
    const bool is_depthwise = w[0].factor == groups && w[1].factor == 1;
    layer.axis = 0;
    layer.channels = is_depthwise ? groups : 0;
  }

  // A bias that stands behind its product: in a norm, or as an addend.
  void extend(const Node& node, bool is_addend) {
    const size_t from = is_addend && is_param(node, 0) ? 1 : 0;
    if (from >= node.inputs.size() || node.inputs[from] == kNone) return;
    const int index = layer_of_[static_cast<size_t>(node.inputs[from])];
    if (index < 0) return;
    UpdatableLayer& layer = layers_[static_cast<size_t>(index)];
    if (is_addend) {
      const size_t bias = 1 - from;
      if (!is_param(node, bias) || layer.bias != kNone) return;
      if (graph_.value(node.inputs[bias]).type.dims.size() == 1) layer.bias = node.inputs[bias];
      return;
    }
    if (is_param(node, 1)) layer.scale = node.inputs[1];
    if (is_param(node, 2) && layer.bias == kNone) layer.bias = node.inputs[2];
  }

  // Of a language model all that follows its blocks. What the embedding shares is no head.
  void mark_head_behind_blocks() {
    const auto last = std::find_if(layers_.rbegin(), layers_.rend(),
                                   [](const UpdatableLayer& l) { return l.is_in_block(); });
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      if (tables_.contains(layer->id)) layer->takes_low_rank = false;
      if (layer < last) layer->is_head = !tables_.contains(layer->id);
    }
  }

  // The last product, where no block has it.
  void mark_last_product() {
    const auto is_product = [](const UpdatableLayer& l) {
      return l.op == "linear" || l.op == "conv2d";
    };
    const auto head = std::find_if(layers_.rbegin(), layers_.rend(), is_product);
    if (head != layers_.rend()) head->is_head = !head->is_in_block();
    for (UpdatableLayer& layer : layers_) {
      if (tables_.contains(layer.id)) layer.takes_low_rank = false;
    }
  }

  const Graph& graph_;
  std::vector<int> layer_of_;  // by value: whose output it is
  std::set<ValueId> tables_;   // of embeddings
  std::vector<UpdatableLayer> layers_;
};

// L2 norms of the weights of each channel.
std::vector<double> channel_norms(const std::vector<float>& weight, const Shape& shape,
                                  int64_t axis) {
  int64_t inner = 1;
  for (int i = static_cast<int>(axis) + 1; i < shape.rank(); ++i) inner *= shape[i];
  const int64_t count = shape[static_cast<int>(axis)];
  std::vector<double> norms(static_cast<size_t>(count));
  for (size_t i = 0; i < weight.size(); ++i) {
    norms[static_cast<size_t>(static_cast<int64_t>(i) / inner % count)] +=
        double{weight[i]} * double{weight[i]};
  }
  return norms;
}

class Selection {
 public:
  Selection(const Graph& graph, const WeightValues& values, uint64_t seed)
      : graph_(graph), values_(values), seed_(seed) {}

  Result<std::vector<int32_t>> channels(const UpdatableLayer& layer,
                                        const LayerUpdate& update) const {
    if (update.choice == ChannelChoice::Given) return given(layer, update);
    const auto wanted = static_cast<size_t>(update.ratio * static_cast<double>(layer.channels));
    std::vector<int32_t> order(static_cast<size_t>(layer.channels));
    std::iota(order.begin(), order.end(), 0);
    if (update.choice == ChannelChoice::Random) {
      Rng rng(seed_, static_cast<uint64_t>(layer.id) << 32);
      for (size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[rng.below(static_cast<uint32_t>(i))]);
      }
    } else {
      const auto norms = channel_norms(values_(layer.weight),
                                       graph_.bound_shape(graph_.value(layer.id).type), layer.axis);
      const double sign = update.choice == ChannelChoice::LargestNorm ? -1 : 1;
      std::ranges::stable_sort(order, {},
                               [&](int32_t c) { return sign * norms.at(static_cast<size_t>(c)); });
    }
    order.resize(std::min(wanted, order.size()));
    std::ranges::sort(order);
    return order;
  }

 private:
  static Result<std::vector<int32_t>> given(const UpdatableLayer& layer,
                                            const LayerUpdate& update) {
    std::vector<int32_t> channels = update.channels;
    std::ranges::sort(channels);
    const bool is_twice = std::ranges::adjacent_find(channels) != channels.end();
    if (!channels.empty() && !is_twice && channels.front() >= 0 &&
        channels.back() < layer.channels) {
      return channels;
    }
    return make_error(Code::InvalidArgument,
                      "the scheme's channels of {}: give some of 0 to {}, each once", layer.weight,
                      layer.channels - 1);
  }

  const Graph& graph_;
  const WeightValues& values_;
  uint64_t seed_;
};

Status check_names(const std::vector<UpdatableLayer>& layers, const UpdateScheme& scheme) {
  std::vector<std::string> known;
  for (const UpdatableLayer& layer : layers) known.push_back(layer.weight);
  for (const auto& [name, update] : scheme.layers) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest_names(name, known);
    return make_error(Code::InvalidArgument,
                      "the scheme names {}, which is no layer of this model{}", name,
                      near.empty() ? "" : fmt::format("; there is {}", near.front()));
  }
  return {};
}

class Application {
 public:
  Application(TrainablePart& part, const Selection& selection)
      : part_(part), selection_(selection) {}

  Status update(const UpdatableLayer& layer, const LayerUpdate& update) {
    if (update.kind == UpdateKind::None) return {};
    if (update.kind == UpdateKind::Full) {
      train(layer.id);
      train(layer.scale);
    }
    if (update.kind == UpdateKind::Channels) VERGE_RETURN_IF_ERROR(train_channels(layer, update));
    train(layer.bias);
    return {};
  }

  void train(ValueId id) {
    if (id == kNone || std::ranges::find(part_.trainable, id) != part_.trainable.end()) return;
    part_.trainable.push_back(id);
    Shape shape = part_.graph.bound_shape(part_.graph.value(id).type);
    int64_t count = shape.count();
    if (const auto at = part_.slices.find(id); at != part_.slices.end()) {
      count = count / shape[static_cast<int>(at->second.axis)] *
              static_cast<int64_t>(at->second.channels.size());
    }
    part_.parameters += count;
  }

 private:
  Status train_channels(const UpdatableLayer& layer, const LayerUpdate& update) {
    if (layer.channels == 0) {
      return make_error(Code::InvalidArgument,
                        "{} ({}) has no channels that could be updated alone; give \"full\", "
                        "\"bias\" or \"none\" for it",
                        layer.weight, layer.op);
    }
    VERGE_TRY(std::vector<int32_t> channels, selection_.channels(layer, update));
    if (channels.empty()) return {};
    if (static_cast<int64_t>(channels.size()) < layer.channels) {
      part_.slices[layer.id] = {layer.axis, std::move(channels)};
    }
    train(layer.id);
    return {};
  }

  TrainablePart& part_;
  const Selection& selection_;
};

}  // namespace

std::vector<UpdatableLayer> updatable_layers(const Graph& graph) {
  return LayerFinder(graph).run();
}

Result<TrainablePart> apply_scheme(Graph forward, const UpdateScheme& scheme,
                                   const WeightValues& values, uint64_t seed) {
  const std::vector<UpdatableLayer> layers = updatable_layers(forward);
  VERGE_RETURN_IF_ERROR(check_names(layers, scheme));
  TrainablePart part{std::move(forward), {}, {}, 0, {}};
  const bool is_adapter = scheme.lora && has_named_blocks(layers);
  const Graph whole = part.graph;
  const Selection selection(whole, values, seed);
  Application application(part, selection);
  std::vector<ValueId> factored;
  for (const UpdatableLayer& layer : layers) {
    const auto found = scheme.layers.find(layer.weight);
    LayerUpdate update = found == scheme.layers.end() ? LayerUpdate{} : found->second;
    if (layer.is_head && !is_adapter) update.kind = UpdateKind::Full;
    VERGE_RETURN_IF_ERROR(application.update(layer, update));
    const bool is_updated = std::ranges::find(part.trainable, layer.id) != part.trainable.end();
    if (!scheme.lora || !layer.takes_low_rank || layer.is_head || is_updated) continue;
    factored.push_back(layer.id);
    part.low_rank.push_back(layer.weight);
  }
  if (!scheme.lora) return part;
  VERGE_TRY(graph::LowRankGraph low_rank,
            graph::add_low_rank(std::move(part.graph), factored, *scheme.lora));
  part.graph = std::move(low_rank.graph);
  for (const auto& side : {low_rank.a, low_rank.b}) {
    for (const ValueId id : side) application.train(id);
  }
  return part;
}

}  // namespace verge::nn
