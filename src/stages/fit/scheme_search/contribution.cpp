#include <algorithm>
#include <cmath>
#include <filesystem>

#include <nlohmann/json.hpp>

#include <verge/core/file.hpp>
#include <verge/stages/fit/scheme_search/contribution.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>

namespace verge::fit {

using nlohmann::ordered_json;

namespace {

Status read_numbers(const ordered_json& json, const std::string& path,
                    std::map<std::string, double>& numbers) {
  if (!json.is_object()) {
    return make_error(Code::Malformed, "{}: no file of contributions; remove it to measure anew",
                      path);
  }
  for (const auto& [key, value] : json.items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return make_error(Code::Malformed, "{}: \"{}\" is no number; remove it to measure anew", path,
                        key);
    }
    numbers[key] = value.get<double>();
  }
  return {};
}

Result<Ranking> read_ranking(const ordered_json& json) {
  const auto has = [](const ordered_json& object, const char* key) {
    return object.is_object() && object.contains(key);
  };
  const Error no_ranking = make_error(Code::Malformed, "no list of schemes");
  const bool is_whole = has(json, "memory_bytes") && json["memory_bytes"].is_number_integer() &&
                        has(json, "step_ms") && json["step_ms"].is_number() &&
                        has(json, "schemes") && json["schemes"].is_array();
  if (!is_whole) return no_ranking;
  Ranking ranking{.memory_bytes = json["memory_bytes"].get<int64_t>(),
                  .step_ms = json["step_ms"].get<double>()};
  for (const ordered_json& ranked : json["schemes"]) {
    const bool is_scheme = has(ranked, "name") && ranked["name"].is_string() &&
                           has(ranked, "score") && ranked["score"].is_number() &&
                           has(ranked, "scheme");
    if (!is_scheme) return no_ranking;
    const auto name = ranked["name"].get<std::string>();
    VERGE_TRY(SchemeFile file, parse_scheme(ranked["scheme"].dump(), name));
    ranking.schemes.push_back({name, std::move(file.scheme), ranked["score"].get<double>()});
  }
  return ranking;
}

Result<std::vector<Ranking>> read_rankings(const ordered_json& json) {
  if (!json.is_array()) return make_error(Code::Malformed, "no list of rankings");
  std::vector<Ranking> rankings;
  for (const ordered_json& one : json) {
    VERGE_TRY(Ranking ranking, read_ranking(one));
    rankings.push_back(std::move(ranking));
  }
  return rankings;
}

ordered_json json_of(const Ranking& ranking) {
  ordered_json schemes = ordered_json::array();
  for (const RankedScheme& ranked : ranking.schemes) {
    schemes.push_back({{"name", ranked.name},
                       {"score", ranked.score},
                       {"scheme", ordered_json::parse(print_scheme({"", ranked.scheme}))}});
  }
  return {
      {"memory_bytes", ranking.memory_bytes}, {"step_ms", ranking.step_ms}, {"schemes", schemes}};
}

}  // namespace

SearchSpace::SearchSpace(const graph::Graph& graph) {
  const std::vector<nn::UpdatableLayer> layers = nn::updatable_layers(graph);
  const bool has_biases = std::ranges::any_of(
      layers, [](const nn::UpdatableLayer& layer) { return layer.bias != graph::kNone; });
  if (!has_biases) bias_kind_ = nn::UpdateKind::Full;
  for (const nn::UpdatableLayer& layer : layers) {
    const bool is_norm = layer.op.ends_with("_norm");
    const bool has_bias = has_biases ? layer.bias != graph::kNone : is_norm;
    const bool has_weight = layer.channels > 0 || layer.op == "embedding";
    if (layer.is_head || (!has_bias && !has_weight)) continue;
    Block& block = block_of(layer);
    if (has_bias) biases_.push_back(layer.weight);
    if (!has_weight) continue;
    is_sliced_.push_back(layer.channels > 0);
    block.weights.push_back(weights_.size());
    weights_.push_back(layer.weight);
  }
}

SearchSpace::Block& SearchSpace::block_of(const nn::UpdatableLayer& layer) {
  const auto known = std::ranges::find(blocks_, layer.block, &Block::name);
  if (known != blocks_.end()) return *known;
  return blocks_.emplace_back(Block{layer.block, {}, biases_.size()});
}

size_t SearchSpace::first_block(const Genome& genome) const {
  for (size_t b = 0; b < blocks_.size(); ++b) {
    const bool has_weight =
        std::ranges::any_of(blocks_[b].weights, [&](size_t i) { return genome.weights[i] != 0; });
    const size_t behind = b + 1 < blocks_.size() ? biases_from(b + 1) : 0;
    if (has_weight || genome.biases > behind) return b;
  }
  return blocks_.size();
}

Genome SearchSpace::tail(size_t first_block, uint8_t share) const {
  Genome genome = head();
  genome.biases = biases_from(first_block);
  for (size_t b = first_block; b < blocks_.size(); ++b) {
    for (const size_t i : blocks_[b].weights) genome.weights[i] = share_of(i, share);
  }
  return genome;
}

uint8_t SearchSpace::share_of(size_t weight, uint8_t share) const {
  const bool is_whole = share > 0 && !is_sliced_[weight];
  return is_whole ? static_cast<uint8_t>(std::size(kSearchRatios)) : share;
}

nn::UpdateScheme SearchSpace::scheme(const Genome& genome) const {
  nn::UpdateScheme scheme;
  for (size_t i = biases_.size() - genome.biases; i < biases_.size(); ++i) {
    scheme.layers[biases_[i]] = {.kind = bias_kind_};
  }
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (genome.weights[i] == 0) continue;
    nn::LayerUpdate& update = scheme.layers[weights_[i]];
    update.kind = is_sliced_[i] ? nn::UpdateKind::Channels : nn::UpdateKind::Full;
    update.ratio = kSearchRatios[genome.weights[i] - 1];
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
      if (share_of(i, static_cast<uint8_t>(ratio)) != ratio) continue;
      all.push_back(head());
      all.back().biases = biases_.size();
      all.back().weights[i] = static_cast<uint8_t>(ratio);
    }
  }
  return all;
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
  VERGE_RETURN_IF_ERROR(read_numbers(json["scores"], path, scores_));
  if (json.contains("finals")) VERGE_RETURN_IF_ERROR(read_numbers(json["finals"], path, finals_));
  if (!json.contains("rankings")) return {};
  auto rankings = read_rankings(json["rankings"]);
  if (!rankings) {
    return make_error(Code::Malformed, "{}: \"rankings\": {}; remove it to measure anew", path,
                      rankings.error().message);
  }
  rankings_ = std::move(*rankings);
  return {};
}

Status Contributions::save(const std::string& path) const {
  ordered_json json = {{"owner", owner_}, {"scores", scores_}};
  if (!finals_.empty()) json["finals"] = finals_;
  for (const Ranking& ranking : rankings_) json["rankings"].push_back(json_of(ranking));
  return write_whole_file(path,
                          json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

void Contributions::add(Ranking ranking) {
  std::erase_if(rankings_, [&](const Ranking& other) {
    return other.memory_bytes == ranking.memory_bytes && other.step_ms == ranking.step_ms;
  });
  rankings_.push_back(std::move(ranking));
}

const Ranking* Contributions::ranking_for(int64_t memory_bytes, double step_ms) const {
  const Ranking* found = nullptr;
  for (const Ranking& ranking : rankings_) {
    if (ranking.memory_bytes < memory_bytes || ranking.step_ms != step_ms) continue;
    if (found == nullptr || ranking.memory_bytes < found->memory_bytes) found = &ranking;
  }
  return found;
}

std::string with_rankings_of(const std::string& older, const std::string& newer) {
  const ordered_json old = ordered_json::parse(older, nullptr, false);
  ordered_json json = ordered_json::parse(newer, nullptr, false);
  const bool has_more = old.is_object() && json.is_object() && old.contains("owner") &&
                        json.contains("owner") && old["owner"] == json["owner"] &&
                        old.contains("rankings") && read_rankings(old["rankings"]).ok();
  if (!has_more) return newer;
  ordered_json& rankings = json["rankings"];
  for (const ordered_json& other : old["rankings"]) {
    const bool is_known = std::ranges::any_of(rankings, [&](const ordered_json& ranking) {
      return ranking["memory_bytes"] == other["memory_bytes"] &&
             ranking["step_ms"] == other["step_ms"];
    });
    if (!is_known) rankings.push_back(other);
  }
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace verge::fit
