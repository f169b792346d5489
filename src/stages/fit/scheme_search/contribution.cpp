#include <algorithm>
#include <cmath>
#include <filesystem>

#include <nlohmann/json.hpp>

#include <verge/core/file.hpp>
#include <verge/stages/fit/scheme_search/contribution.hpp>

namespace verge::fit {

using nlohmann::ordered_json;

SearchSpace::SearchSpace(const graph::Graph& graph) {
  for (const nn::UpdatableLayer& layer : nn::updatable_layers(graph)) {
    if (layer.is_head) continue;
    if (layer.bias != graph::kNone) biases_.push_back(layer.weight);
    if (layer.channels > 0) weights_.push_back(layer.weight);
  }
}

nn::UpdateScheme SearchSpace::scheme(const Genome& genome) const {
  nn::UpdateScheme scheme;
  for (size_t i = biases_.size() - genome.biases; i < biases_.size(); ++i) {
    scheme.layers[biases_[i]] = {.kind = nn::UpdateKind::Bias};
  }
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (genome.weights[i] == 0) continue;
    scheme.layers[weights_[i]] = {.kind = nn::UpdateKind::Channels,
                                  .ratio = kSearchRatios[genome.weights[i] - 1]};
  }
  return scheme;
}

std::vector<Genome> SearchSpace::measurements() const {
  std::vector<Genome> all;
  for (size_t k = 0; k <= biases_.size(); ++k) {
    all.push_back(head());
    all.back().biases = k;
  }
  for (size_t i = 0; i < weights_.size(); ++i) {
    for (size_t ratio = 1; ratio <= std::size(kSearchRatios); ++ratio) {
      all.push_back(head());
      all.back().biases = biases_.size();
      all.back().weights[i] = static_cast<uint8_t>(ratio);
    }
  }
  return all;
}

std::string owner_of_model(std::string_view model_hash) {
  return fmt::format("model {} ", model_hash);
}

bool Contributions::is_complete() const {
  return std::ranges::all_of(space_.measurements(),
                             [this](const Genome& genome) { return has(genome); });
}

std::string Contributions::key(const Genome& genome) const {
  std::string key = fmt::format("biases {}", genome.biases);
  for (size_t i = 0; i < genome.weights.size(); ++i) {
    if (genome.weights[i] == 0) continue;
    key += fmt::format(", {} {}", space_.weight(i), kSearchRatios[genome.weights[i] - 1]);
  }
  return key;
}

double Contributions::predict(const Genome& genome) const {
  Genome part = space_.head();
  part.biases = space_.biases();
  const double all_biases = score(part);
  part.biases = genome.biases;
  double sum = score(part);
  part.biases = space_.biases();
  for (size_t i = 0; i < genome.weights.size(); ++i) {
    if (genome.weights[i] == 0) continue;
    part.weights[i] = genome.weights[i];
    sum += score(part) - all_biases;
    part.weights[i] = 0;
  }
  return sum;
}

Status Contributions::load(const std::string& path, bool any_task) {
  constexpr size_t kMostBytes = size_t{16} << 20;
  if (!std::filesystem::exists(path)) return {};
  VERGE_TRY(const std::string text, read_whole_file(path, kMostBytes));
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const bool is_whole = json.is_object() && json.contains("owner") && json["owner"].is_string() &&
                        json.contains("scores") && json["scores"].is_object();
  if (!is_whole) {
    return make_error(Code::Malformed, "{}: no file of contributions; remove it to measure anew",
                      path);
  }
  const auto owner = json["owner"].get<std::string>();
  if (any_task ? !owner.starts_with(owner_) : owner != owner_) {
    return make_error(Code::Conflict,
                      "{}: measured for {}, this is {}; give another --cache or remove it", path,
                      owner, owner_);
  }
  for (const auto& [key, value] : json["scores"].items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return make_error(Code::Malformed, "{}: \"{}\" is no number; remove it to measure anew", path,
                        key);
    }
    scores_[key] = value.get<double>();
  }
  return {};
}

Status Contributions::save(const std::string& path) const {
  const ordered_json json = {{"owner", owner_}, {"scores", scores_}};
  return write_whole_file(path,
                          json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace verge::fit
