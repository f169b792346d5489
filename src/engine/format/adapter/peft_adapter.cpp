#include <cmath>

#include <verge/engine/format/adapter/pair_collector.hpp>
#include <verge/engine/format/adapter/peft_adapter.hpp>
#include <verge/engine/format/hf/family.hpp>
#include <verge/engine/format/hf/json_object.hpp>
#include <verge/engine/format/hf/tensors.hpp>
#include <verge/engine/format/safetensors/reader.hpp>

namespace verge::format {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

struct Config {
  std::string path;
  int64_t rank = 0;
  double alpha = 0;
  bool is_rank_stabilized = false;
  JsonObject ranks = {}, alphas = {};  // by module
};

Status refuse(const JsonObject& json, const char* key, bool is_set, std::string_view what) {
  if (!is_set) return {};
  return make_error(Code::Unsupported, "{}: {}: {}; save the adapter without", json.path(), key,
                    what);
}

// What changes more than matrices, or in another way than by B A.
Status check_kind(const JsonObject& json) {
  VERGE_TRY(const auto stated, json.text("peft_type"));
  const std::string type = stated.value_or("missing");
  if (type != "LORA") {
    return make_error(Code::Unsupported, "{}: peft_type is {}; only LORA is applied", json.path(),
                      type);
  }
  VERGE_TRY(const auto bias, json.text("bias"));
  VERGE_RETURN_IF_ERROR(
      refuse(json, "bias", bias.value_or("none") != "none", "trained biases are not applied"));
  constexpr std::pair<const char*, const char*> kFlags[] = {
      {"use_dora", "DoRA is not applied"},
      {"lora_bias", "biases are not applied"},
      {"fan_in_fan_out", "transposed matrices are not read"}};
  for (const auto& [key, what] : kFlags) {
    VERGE_TRY(const auto flag, json.flag(key));
    VERGE_RETURN_IF_ERROR(refuse(json, key, flag.value_or(false), what));
  }
  return {};
}

Result<Config> read_config(const std::string& folder) {
  VERGE_TRY(const JsonObject json, JsonObject::open(folder + "/adapter_config.json"));
  VERGE_RETURN_IF_ERROR(check_kind(json));
  Config config{.path = json.path()};
  VERGE_TRY(config.rank, json.whole("r", 0));
  VERGE_TRY(const auto alpha, json.real("lora_alpha"));
  if (!alpha) {
    return make_error(Code::NotFound, "{}: field lora_alpha is missing; fetch it again",
                      json.path());
  }
  config.alpha = *alpha;
  VERGE_TRY(const auto stabilized, json.flag("use_rslora"));
  config.is_rank_stabilized = stabilized.value_or(false);
  VERGE_TRY(const auto ranks, json.object("rank_pattern"));
  VERGE_TRY(const auto alphas, json.object("alpha_pattern"));
  config.ranks = ranks.value_or(JsonObject());
  config.alphas = alphas.value_or(JsonObject());
  return config;
}

// The value of the pattern that names this module or its end, else `otherwise`. PEFT takes patterns
// for regular expressions; those that are more than names are refused.
Result<double> by_pattern(const JsonObject& patterns, std::string_view module, double otherwise) {
  for (const auto& [pattern, value] : patterns.json().items()) {
    if (pattern.find_first_of("^$*+?()[]{}|\\") != std::string::npos || !value.is_number()) {
      return make_error(Code::Unsupported, "{}: \"{}\" is no module with a number; name modules",
                        patterns.path(), pattern);
    }
    if (module == pattern || module.ends_with("." + pattern)) return value.get<double>();
  }
  return otherwise;
}

Result<double> scale_of(const Config& config, const AdapterPair& pair, std::string_view module) {
  VERGE_TRY(const double rank, by_pattern(config.ranks, module, static_cast<double>(config.rank)));
  const int64_t found = pair.a.shape.rank() > 0 ? pair.a.shape[0] : 0;
  if (static_cast<double>(found) != rank) {
    return make_error(Code::Malformed, "{}: tensor {} has rank {}, expected the {} of r",
                      config.path, pair.a.name, found, rank);
  }
  VERGE_TRY(const double alpha, by_pattern(config.alphas, module, config.alpha));
  return alpha / (config.is_rank_stabilized ? std::sqrt(rank) : rank);
}

// What the base says of its family.
struct BaseFacts {
  HfFamily family;
  uint32_t heads, kv_heads;
};

Result<BaseFacts> facts_of(const ModelSource& base) {
  VERGE_TRY(const std::string_view architecture, base.metadata.get_string("general.architecture"));
  BaseFacts facts{};
  VERGE_TRY(facts.family, hf_family_of(architecture));
  const std::string prefix(architecture);
  VERGE_TRY(facts.heads, base.metadata.get_u32(prefix + ".attention.head_count"));
  VERGE_TRY(facts.kv_heads,
            base.metadata.get_u32(prefix + ".attention.head_count_kv", facts.heads));
  return facts;
}

// "layers.0.self_attn.q_proj" of a half, and which half it is; nothing for another tensor.
struct Half {
  std::string_view module;
  bool is_a;
};
std::optional<Half> half_of(std::string_view name) {
  constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  if (!name.ends_with(kA) && !name.ends_with(kB)) return std::nullopt;
  return Half{name.substr(0, name.size() - kA.size()), name.ends_with(kA)};
}

class PeftReader {
 public:
  PeftReader(const Config& config, const BaseFacts& facts, std::string path)
      : config_(config), facts_(facts), path_(std::move(path)), collector_(path_) {}

  Status add(StoredTensor tensor) {
    const auto half = half_of(tensor.name);
    const auto weight = half
                            ? gguf_tensor_name(facts_.family, std::string(half->module) + ".weight")
                            : std::nullopt;
    if (!weight || weight->empty()) {
      return make_error(Code::Unsupported,
                        "{}: tensor {} is no half of a pair for a matrix of a {} model; only such "
                        "are applied",
                        path_, tensor.name, facts_.family.model_type);
    }
    const uint32_t heads = interleaved_heads(facts_.family, *weight, facts_.heads, facts_.kv_heads);
    if (!half->is_a && heads > 0) VERGE_RETURN_IF_ERROR(mark_interleaved(tensor, heads));
    modules_[*weight] = half->module;
    return collector_.add(*weight, half->is_a, std::move(tensor));
  }

  Result<std::vector<AdapterPair>> finish() {
    VERGE_TRY(std::vector<AdapterPair> pairs, collector_.finish());
    for (AdapterPair& pair : pairs) {
      VERGE_TRY(pair.scale, scale_of(config_, pair, modules_.at(pair.weight)));
    }
    return pairs;
  }

 private:
  const Config& config_;
  const BaseFacts& facts_;
  std::string path_;
  PairCollector collector_;
  std::map<std::string, std::string> modules_;  // by weight
};

}  // namespace

Result<AdapterFile> open_peft_adapter(const std::string& path, const ModelSource& base) {
  VERGE_TRY(const Config config, read_config(path));
  const auto facts = facts_of(base);
  if (!facts) return make_error(facts.error().code, "{}: {}", path, facts.error().message);
  const std::string weights = path + "/adapter_model.safetensors";
  VERGE_TRY(const Safetensors file, Safetensors::open(weights));
  PeftReader reader(config, *facts, weights);
  for (const StoredTensor& tensor : file.tensors()) VERGE_RETURN_IF_ERROR(reader.add(tensor));
  AdapterFile adapter{path, {}, {file.file()}};
  VERGE_TRY(adapter.pairs, reader.finish());
  return adapter;
}

}  // namespace verge::format
