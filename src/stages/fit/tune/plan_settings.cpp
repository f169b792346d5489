#include <nlohmann/json.hpp>

#include <verge/stages/fit/tune/scheme_file.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMostExtent = int64_t{1} << 31;

ordered_json optimizer_json(const graph::OptimizerSpec& spec) {
  return {{"name", graph::name(spec.kind)},
          {"beta1", spec.beta1},
          {"beta2", spec.beta2},
          {"eps", spec.eps},
          {"momentum", spec.momentum},
          {"nesterov", spec.nesterov},
          {"weight_decay", spec.weight_decay},
          {"max_norm", spec.max_norm},
          {"global_norm", spec.global_norm},
          {"level_scaling", spec.level_scaling},
          {"remainders", spec.remainders}};
}

Error damaged(std::string_view what) {
  return make_error(Code::Malformed, "the plan's settings: {}; compile it anew", what);
}

// A whole number from `least` to `most`.
Result<int64_t> whole_number(const ordered_json& json, const char* key, int64_t least,
                             int64_t most) {
  const ordered_json& value = json.at(key);
  const bool is_small = value.is_number_integer() &&
                        (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX);
  if (is_small && value.get<int64_t>() >= least && value.get<int64_t>() <= most) {
    return value.get<int64_t>();
  }
  return damaged(fmt::format("{} is no whole number from {} to {}", key, least, most));
}

Result<graph::OptimizerSpec> optimizer_of(const ordered_json& json) {
  graph::OptimizerSpec spec;
  const auto name = json.at("name").get<std::string>();
  const auto kind = graph::optimizer_from_name(name);
  if (!kind) return damaged(fmt::format("no optimizer \"{}\"", name));
  spec.kind = *kind;
  spec.beta1 = json.at("beta1").get<double>();
  spec.beta2 = json.at("beta2").get<double>();
  spec.eps = json.at("eps").get<double>();
  spec.momentum = json.at("momentum").get<double>();
  spec.nesterov = json.at("nesterov").get<bool>();
  spec.weight_decay = json.at("weight_decay").get<double>();
  spec.max_norm = json.at("max_norm").get<double>();
  spec.global_norm = json.at("global_norm").get<double>();
  spec.level_scaling = json.at("level_scaling").get<bool>();
  spec.remainders = json.at("remainders").get<bool>();
  return spec;
}

ordered_json inputs_json(const std::vector<onnx::InputBinding>& inputs) {
  ordered_json list = ordered_json::array();
  for (const onnx::InputBinding& input : inputs) {
    list.push_back({{"name", input.name}, {"shape", input.shape.extents()}});
    if (input.value) list.back()["value"] = *input.value;
  }
  return list;
}

Result<std::vector<onnx::InputBinding>> inputs_of(const ordered_json& json) {
  std::vector<onnx::InputBinding> inputs;
  for (const ordered_json& input : json) {
    std::vector<int64_t> extents;
    if (!input.at("shape").is_array()) return damaged("the shape of an input is no list");
    for (const ordered_json& extent : input.at("shape")) {
      VERGE_TRY(extents.emplace_back(), whole_number({{"shape", extent}}, "shape", 1, kMostExtent));
    }
    if (extents.size() > Shape::kMaxRank) return damaged("an input has too many axes");
    inputs.push_back({.name = input.at("name").get<std::string>(),
                      .shape = Shape(std::span<const int64_t>(extents))});
    if (input.contains("value")) inputs.back().value = input.at("value").get<double>();
  }
  return inputs;
}

}  // namespace

std::string print_settings(const PlanSettings& settings) {
  ordered_json json = {
      {"model", settings.model},
      {"batch", settings.shape.batch},
      {"tokens", settings.shape.tokens},
      {"squared_error", settings.shape.squared_error},
      {"optimizer", optimizer_json(settings.optimizer)},
      {"scheme", print_scheme({.model = settings.hash, .scheme = settings.scheme})},
      {"low_rank", settings.low_rank},
      {"parameters", settings.parameters},
      {"seed", settings.seed}};
  // Checkpoints hold this text: where a step is of one pass it stays what it was before passes.
  if (settings.accumulate != 1) json["accumulate"] = settings.accumulate;
  if (!settings.shape.inputs.empty()) json["inputs"] = inputs_json(settings.shape.inputs);
  if (!settings.shape.output.empty()) json["output"] = settings.shape.output;
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<PlanSettings> parse_settings(std::string_view text) {
  PlanSettings settings;
  std::string scheme;
  try {
    const ordered_json json = ordered_json::parse(text);
    settings.model = json.at("model").get<std::string>();
    VERGE_TRY(settings.shape.batch, whole_number(json, "batch", 1, kMostExtent));
    VERGE_TRY(settings.shape.tokens, whole_number(json, "tokens", 1, kMostExtent));
    if (json.contains("inputs")) {
      VERGE_TRY(settings.shape.inputs, inputs_of(json.at("inputs")));
    }
    settings.shape.output = json.value("output", std::string());
    settings.shape.squared_error = json.value("squared_error", false);
    VERGE_TRY(settings.optimizer, optimizer_of(json.at("optimizer")));
    settings.low_rank = json.at("low_rank").get<std::vector<std::string>>();
    VERGE_TRY(settings.parameters, whole_number(json, "parameters", 0, INT64_MAX));
    if (json.contains("accumulate")) {
      VERGE_TRY(settings.accumulate, whole_number(json, "accumulate", 1, kMostExtent));
    }
    if (!json.at("seed").is_number_unsigned()) return damaged("seed is no whole number from 0");
    settings.seed = json.at("seed").get<uint64_t>();
    scheme = json.at("scheme").get<std::string>();
  } catch (const nlohmann::json::exception& error) {
    return damaged(error.what());
  }
  VERGE_TRY(SchemeFile file, parse_scheme(scheme, "the plan's scheme"));
  settings.hash = std::move(file.model);
  settings.scheme = std::move(file.scheme);
  if (!settings.low_rank.empty() && !settings.scheme.lora) {
    return damaged("low-rank factors without \"lora\" in the scheme");
  }
  return settings;
}

}  // namespace verge::fit
