// Schemes by name.

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

#include <verge/engine/nn/update_blocks.hpp>
#include <verge/engine/nn/update_scheme.hpp>

namespace verge::nn {
namespace {

// Lin et al. 2022, table 9: the last convolutions whose biases are updated, and the weights, both
// counted in convolutions from the input.
struct CountedScheme {
  std::string_view name;
  size_t biases;
  std::vector<std::pair<size_t, double>> weights;
};

const std::vector<CountedScheme>& counted_schemes() {
  static const std::vector<CountedScheme> kAll = {
      {"mcunet-49KB", 20, {{24, 0.25}, {27, 0.5}, {30, 0.5}}},
      {"mcunet-99KB", 22, {{21, 1}, {24, 1}, {27, 1}, {30, 1}, {36, 0.125}, {39, 0.25}}},
      {"mcunet-148KB", 23, {{21, 1}, {24, 1}, {27, 1}, {30, 1}, {36, 1}, {39, 0.5}}},
      {"mobilenetv2-99KB",
       25,
       {{27, 1}, {30, 1}, {33, 1}, {36, 1}, {39, 1}, {42, 0.125}, {45, 0.5}, {48, 1}}},
  };
  return kAll;
}

Error unknown(std::string_view name) {
  std::vector<std::string_view> counted;
  std::vector<std::string> of_blocks;
  for (const CountedScheme& scheme : counted_schemes()) counted.push_back(scheme.name);
  for (const char* model : {"mobilenetv2", "resnet50", "bert", "llama2"}) {
    of_blocks.push_back(fmt::format("pockengine-{}", model));
  }
  return make_error(Code::InvalidArgument,
                    "no scheme \"{}\"; give full, bias, head, last:K, lora:R, {}, {}, or a file",
                    name, fmt::join(counted, ", "), fmt::join(of_blocks, ", "));
}

template <typename Number>
bool read_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Result<UpdateScheme> counted(const CountedScheme& counted,
                             const std::vector<UpdatableLayer>& layers) {
  std::vector<const UpdatableLayer*> convolutions;
  for (const UpdatableLayer& layer : layers) {
    if (layer.op == "conv2d") convolutions.push_back(&layer);
  }
  const size_t needed = std::max(counted.biases, counted.weights.back().first + 1);
  if (convolutions.size() < needed) {
    return make_error(Code::InvalidArgument,
                      "{} is for networks of at least {} convolutions, this one has {}",
                      counted.name, needed, convolutions.size());
  }
  UpdateScheme scheme;
  for (size_t i = convolutions.size() - counted.biases; i < convolutions.size(); ++i) {
    scheme.layers[convolutions[i]->weight] = {.kind = UpdateKind::Bias};
  }
  for (const auto& [index, ratio] : counted.weights) {
    scheme.layers[convolutions[index]->weight] = {.kind = UpdateKind::Channels, .ratio = ratio};
  }
  return scheme;
}

UpdateScheme biases(const std::vector<UpdatableLayer>& layers) {
  UpdateScheme scheme;
  for (const UpdatableLayer& layer : layers) {
    if (layer.bias != graph::kNone) scheme.layers[layer.weight] = {.kind = UpdateKind::Bias};
  }
  if (!scheme.layers.empty()) return scheme;
  for (const UpdatableLayer& layer : layers) {
    if (layer.op.ends_with("_norm")) scheme.layers[layer.weight] = {.kind = UpdateKind::Full};
  }
  return scheme;
}

UpdateScheme last_blocks(const std::vector<UpdatableLayer>& layers, size_t count) {
  const bool has_blocks = std::ranges::any_of(layers, &UpdatableLayer::is_in_block);
  UpdateScheme scheme;
  std::vector<std::string> blocks;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (layer->is_head || layer->op == "embedding") continue;
    const bool is_behind = has_blocks && !layer->is_in_block() && blocks.empty();
    if (has_blocks && !layer->is_in_block() && !is_behind) continue;
    if (!is_behind && (blocks.empty() || blocks.back() != layer->block)) {
      blocks.push_back(layer->block);
    }
    if (blocks.size() > count) break;
    scheme.layers[layer->weight] = {.kind = UpdateKind::Full};
  }
  return scheme;
}

Result<UpdateScheme> low_rank(std::string_view name, std::string_view form) {
  constexpr int64_t kMostRank = 4096;
  UpdateScheme scheme;
  graph::LowRank lora;
  const size_t colon = std::min(form.find(':'), form.size());
  if (!read_whole(form.substr(0, colon), lora.rank)) return unknown(name);
  lora.alpha = 2 * static_cast<double>(lora.rank);
  if (colon < form.size() && !read_whole(form.substr(colon + 1), lora.alpha)) return unknown(name);
  if (lora.rank < 1 || lora.rank > kMostRank || !(lora.alpha > 0) || !std::isfinite(lora.alpha)) {
    return make_error(Code::InvalidArgument, "{}: ranks are from 1 to {}, alpha is above 0", name,
                      kMostRank);
  }
  scheme.lora = lora;
  return scheme;
}

}  // namespace

Result<UpdateScheme> preset_scheme(std::string_view name, const graph::Graph& graph) {
  const std::vector<UpdatableLayer> layers = updatable_layers(graph);
  UpdateScheme scheme;
  if (name == "head") return scheme;
  if (name == "bias") return biases(layers);
  if (name == "full") {
    for (const UpdatableLayer& layer : layers) scheme.layers[layer.weight].kind = UpdateKind::Full;
    return scheme;
  }
  if (name.starts_with("last:")) {
    size_t count = 0;
    if (!read_whole(name.substr(5), count)) return unknown(name);
    return last_blocks(layers, count);
  }
  if (name.starts_with("lora:")) return low_rank(name, name.substr(5));
  if (auto of_blocks = block_scheme(name, graph, layers)) return std::move(*of_blocks);
  const auto at = std::ranges::find(counted_schemes(), name, &CountedScheme::name);
  return at == counted_schemes().end() ? Result<UpdateScheme>(unknown(name)) : counted(*at, layers);
}

}  // namespace verge::nn
