#include <algorithm>
#include <cmath>

#include <verge/engine/nn/config.hpp>
#include <verge/engine/nn/family.hpp>

namespace verge::nn {
namespace {

// Bounds no real model exceeds; they keep products of extents far from overflow.
constexpr double kMostLayers = 4096;
constexpr double kWidest = 1 << 20;
constexpr double kLongest = 1 << 30;

class Reader {
 public:
  Reader(const ModelFacts& facts, std::string prefix) : facts_(facts), prefix_(std::move(prefix)) {}

  // A positive whole number up to `most`; `otherwise` when absent (negative: required).
  Result<int64_t> whole(std::string_view key, double most, int64_t otherwise = -1) const {
    const std::string full = prefix_ + "." + std::string(key);
    const std::optional<double> value = facts_.number(full);
    if (!value) {
      if (otherwise >= 0) return otherwise;
      return make_error(Code::Malformed, "the model lacks {}; the file is incomplete", full);
    }
    if (!(*value >= 1 && *value <= most) || *value != std::floor(*value)) {
      return make_error(Code::Malformed, "{} is {}; a whole number from 1 to {} is needed", full,
                        *value, most);
    }
    return static_cast<int64_t>(*value);
  }

  double real(std::string_view key, double otherwise) const {
    const double value = facts_.number(prefix_ + "." + std::string(key)).value_or(otherwise);
    return std::isfinite(value) ? value : otherwise;
  }

  std::string text(std::string_view key) const {
    return facts_.text(prefix_ + "." + std::string(key)).value_or("");
  }

 private:
  const ModelFacts& facts_;
  std::string prefix_;
};

Status read_sizes(const Reader& reader, const ModelFacts& facts, DecoderConfig& config) {
  VERGE_TRY(config.d_model, reader.whole("embedding_length", kWidest));
  VERGE_TRY(config.layers, reader.whole("block_count", kMostLayers));
  VERGE_TRY(config.heads, reader.whole("attention.head_count", kWidest));
  VERGE_TRY(config.kv_heads, reader.whole("attention.head_count_kv", kWidest, config.heads));
  VERGE_TRY(config.head_dim, reader.whole("attention.key_length", kWidest,
                                          std::max<int64_t>(1, config.d_model / config.heads)));
  VERGE_TRY(config.ffn_dim, reader.whole("feed_forward_length", kWidest));
  VERGE_TRY(config.context, reader.whole("context_length", kLongest));
  if (config.heads % config.kv_heads != 0) {
    return make_error(Code::Malformed, "{} attention heads cannot share {} key-value heads",
                      config.heads, config.kv_heads);
  }
  auto embedding = facts.tensor("token_embd.weight");
  if (!embedding) embedding = facts.tensor("output.weight");  // all that a model's last layers have
  if (!embedding || embedding->dims.size() != 2) {
    return make_error(Code::Malformed, "the model lacks a matrix token_embd.weight");
  }
  config.vocab = embedding->dims[0].factor;
  return {};
}

Status read_exits(const ModelFacts& facts, DecoderConfig& config) {
  for (double layer : facts.numbers("verge.exit_layers")) {
    if (!(layer >= 1 && layer < static_cast<double>(config.layers))) {
      return make_error(Code::Malformed, "verge.exit_layers names layer {} of {}", layer,
                        config.layers);
    }
    config.exit_layers.push_back(static_cast<int64_t>(layer));
  }
  config.exit_temperatures = facts.numbers("verge.exit.temperature");
  if (config.exit_temperatures.empty())
    config.exit_temperatures.resize(config.exit_layers.size(), 1);
  if (config.exit_temperatures.size() != config.exit_layers.size()) {
    return make_error(Code::Malformed, "verge.exit.temperature has {} values for {} exit heads",
                      config.exit_temperatures.size(), config.exit_layers.size());
  }
  for (double temperature : config.exit_temperatures) {
    if (temperature > 0 && std::isfinite(temperature)) continue;
    return make_error(Code::Malformed, "verge.exit.temperature is {}; it must be above 0",
                      temperature);
  }
  return {};
}

Status read_rope(const Reader& reader, const ModelFacts& facts, DecoderConfig& config) {
  RopeConfig& rope = config.rope;
  VERGE_TRY(rope.dims, reader.whole("rope.dimension_count", kWidest, config.head_dim));
  if (rope.dims % 2 != 0 || rope.dims > config.head_dim) {
    return make_error(Code::Malformed, "rope.dimension_count is {}, of heads of {}", rope.dims,
                      config.head_dim);
  }
  rope.base = reader.real("rope.freq_base", 10000);
  VERGE_TRY(rope.original_context,
            reader.whole("rope.scaling.original_context_length", kLongest, config.context));
  const std::string scaling = reader.text("rope.scaling.type");
  const double factor = reader.real("rope.scaling.factor", 1);
  if (scaling == "yarn") {
    rope.yarn_factor = factor;
    rope.yarn_beta_fast = reader.real("rope.scaling.yarn_beta_fast", 32);
    rope.yarn_beta_slow = reader.real("rope.scaling.yarn_beta_slow", 1);
    rope.yarn_attention_factor = reader.real("rope.scaling.attn_factor", 1);
  } else if (scaling == "linear" || scaling.empty()) {
    rope.linear_factor = factor > 0 ? factor : 1;
  }
  rope.divisors = facts.tensor_values("rope_freqs.weight");
  if (!rope.divisors.empty() && static_cast<int64_t>(rope.divisors.size()) != rope.dims / 2) {
    return make_error(Code::Malformed, "rope_freqs.weight has {} values, {} are needed",
                      rope.divisors.size(), rope.dims / 2);
  }
  return {};
}

Status read_experts(const Reader& reader, DecoderConfig& config) {
  VERGE_TRY(config.moe.experts, reader.whole("expert_count", 65536, 0));
  VERGE_TRY(config.moe.experts_used, reader.whole("expert_used_count", 65536, 0));
  if (config.moe.experts_used > config.moe.experts) {
    return make_error(Code::Malformed, "expert_used_count is {} of {} experts",
                      config.moe.experts_used, config.moe.experts);
  }
  return {};
}

const Family* find_family(std::string_view architecture) {
  for (const Family& family : families::table()) {
    if (family.architecture == architecture) return &family;
  }
  return nullptr;
}

Error unknown_architecture(const std::string& architecture) {
  std::string known;
  for (const Family& family : families::table()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family.architecture);
  }
  return make_error(Code::Unsupported, "architecture \"{}\" is not supported; Verge runs {}",
                    architecture, known);
}

}  // namespace

std::string exit_output_name(int64_t after) {
  return fmt::format("exit.{}.output.weight", after);
}

bool DecoderConfig::has_head(int64_t after) const {
  return after == layers || std::ranges::find(exit_layers, after) != exit_layers.end();
}

double DecoderConfig::exit_temperature(int64_t after) const {
  const auto at = std::ranges::find(exit_layers, after);
  return at == exit_layers.end() || exit_temperatures.empty()
             ? 1
             : exit_temperatures[static_cast<size_t>(at - exit_layers.begin())];
}

Result<DecoderConfig> read_config(const ModelFacts& facts) {
  DecoderConfig config;
  config.architecture = facts.architecture();
  const Family* family = find_family(config.architecture);
  if (family == nullptr) return unknown_architecture(config.architecture);
  const Reader reader(facts, config.architecture);
  VERGE_RETURN_IF_ERROR(read_sizes(reader, facts, config));
  VERGE_RETURN_IF_ERROR(read_rope(reader, facts, config));
  VERGE_RETURN_IF_ERROR(read_experts(reader, config));
  config.norm_eps = reader.real("attention.layer_norm_rms_epsilon", 1e-5);
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
  VERGE_TRY(config.window, reader.whole("attention.sliding_window", kLongest, 0));
  VERGE_RETURN_IF_ERROR(read_exits(facts, config));
  VERGE_RETURN_IF_ERROR(family->configure(facts, config));
  return config;
}

}  // namespace verge::nn
