#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include <verge/stages/fit/tune/scheme_choice.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>

namespace verge::fit {
namespace {

constexpr double kRatios[] = {1, 0.5, 0.25, 0.125};

// Blocks from the last one, without head and embedding; those of a transformer alone.
std::vector<std::string> blocks_of(const std::vector<nn::UpdatableLayer>& layers) {
  const bool has_blocks = std::ranges::any_of(layers, &nn::UpdatableLayer::is_in_block);
  std::vector<std::string> blocks;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (layer->is_head || layer->op == "embedding") continue;
    if (has_blocks && !layer->is_in_block()) continue;
    if (std::ranges::find(blocks, layer->block) == blocks.end()) blocks.push_back(layer->block);
  }
  return blocks;
}

nn::UpdateScheme last_channels(const std::vector<nn::UpdatableLayer>& layers,
                               const std::set<std::string>& blocks, double ratio) {
  nn::UpdateScheme scheme;
  for (const nn::UpdatableLayer& layer : layers) {
    if (layer.is_head || !blocks.contains(layer.block)) continue;
    nn::LayerUpdate& update = scheme.layers[layer.weight];
    update.kind = layer.channels > 0 ? nn::UpdateKind::Channels : nn::UpdateKind::Full;
    update.ratio = ratio;
  }
  return scheme;
}

Result<nn::UpdateScheme> named_scheme(const BaseModel& base, const std::string& name) {
  if (std::filesystem::is_regular_file(name)) return read_scheme(name, base.hash);
  return nn::preset_scheme(name, base.graph);
}

}  // namespace

std::vector<nn::UpdateScheme> automatic_schemes(const graph::Graph& graph) {
  const std::vector<nn::UpdatableLayer> layers = nn::updatable_layers(graph);
  const std::vector<std::string> blocks = blocks_of(layers);
  std::vector<nn::UpdateScheme> schemes;
  for (const char* name : {"full", "bias", "head"}) {
    schemes.push_back(nn::preset_scheme(name, graph).value());
  }
  const nn::UpdateScheme head = schemes.back(), bias = schemes[1];
  schemes.resize(1);
  for (const double ratio : kRatios) {
    for (size_t count = blocks.size(); count > 0; --count) {
      const std::set<std::string> last(blocks.begin(),
                                       blocks.begin() + static_cast<std::ptrdiff_t>(count));
      schemes.push_back(last_channels(layers, last, ratio));
    }
  }
  schemes.push_back(bias);
  schemes.push_back(head);
  return schemes;
}

Result<TrainingPlan> compile_chosen(const BaseModel& base, const std::string& scheme,
                                    const PlanOptions& options, int threads) {
  if (scheme != "auto") {
    VERGE_TRY(const nn::UpdateScheme named, named_scheme(base, scheme));
    return compile_training(base, named, options, threads);
  }
  const auto values = [&base](const std::string& name) { return base.values(name); };
  std::optional<TrainingPlan> best;
  const std::vector<nn::UpdateScheme> all = automatic_schemes(base.graph);
  for (const nn::UpdateScheme& candidate : all) {
    VERGE_TRY(const nn::TrainablePart part,
              nn::apply_scheme(base.graph, candidate, values, options.seed));
    if (best && part.parameters <= best->settings.parameters) continue;
    auto plan = compile_training(base, candidate, options, threads);
    if (!plan && plan.error().code != Code::OutOfMemory) return plan.error();
    if (!plan && !best && &candidate == &all.back()) return plan.error();
    if (!plan) continue;
    best = std::move(*plan);
    if (options.memory_bytes == 0) break;
  }
  VERGE_CHECK(best.has_value());
  return std::move(*best);
}

}  // namespace verge::fit
