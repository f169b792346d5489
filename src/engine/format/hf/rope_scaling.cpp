#include <cmath>
#include <numbers>

#include <verge/engine/format/hf/rope_scaling.hpp>

namespace verge::format {
namespace {

struct Rope {
  JsonObject scaling;  // empty: none
  std::string type;    // "default": none
  double base = 10000;
  double factor = 1;
  double context = 0;           // trained for, after stretching
  double original_context = 0;  // before
};

Result<double> positive(const JsonObject& object, const std::string& field, double otherwise) {
  VERGE_TRY(const std::optional<double> value, object.real(field));
  const double number = value.value_or(otherwise);
  if (std::isfinite(number) && number > 0) return number;
  return make_error(Code::Malformed,
                    "{}: field {} is {}, expected a positive number; fetch it again", object.path(),
                    field, number);
}

Result<Rope> read_rope(const JsonObject& config, const HfFamily& family) {
  Rope rope;
  rope.type = "default";
  VERGE_TRY(std::optional<JsonObject> scaling, config.object("rope_parameters"));
  if (scaling) {
    // Gemma 3 has one for each kind of layer.
    VERGE_TRY(std::optional<JsonObject> global, scaling->object("full_attention"));
    if (global) scaling = std::move(global);
  } else {
    VERGE_TRY(scaling, config.object("rope_scaling"));
  }
  VERGE_TRY(rope.base, positive(config, "rope_theta", family.rope_base));
  VERGE_TRY(rope.context, positive(config, "max_position_embeddings", family.context));
  VERGE_TRY(rope.original_context,
            positive(config, "original_max_position_embeddings", rope.context));
  if (!scaling) return rope;
  rope.scaling = std::move(*scaling);
  VERGE_TRY(rope.base, positive(rope.scaling, "rope_theta", rope.base));
  VERGE_TRY(rope.factor, positive(rope.scaling, "factor", 1));
  VERGE_TRY(rope.original_context,
            positive(rope.scaling, "original_max_position_embeddings", rope.original_context));
  VERGE_TRY(const std::optional<std::string> old_name, rope.scaling.text("type"));
  VERGE_TRY(const std::optional<std::string> name, rope.scaling.text("rope_type"));
  rope.type = name ? *name : old_name.value_or("default");
  return rope;
}

Status add_llama3(const Rope& rope, uint32_t rotary_dims, HyperParameters& out) {
  Llama3Scaling scaling{.base = rope.base,
                        .factor = rope.factor,
                        .low = 1,
                        .high = 4,
                        .original_context = rope.original_context};
  VERGE_TRY(scaling.low, positive(rope.scaling, "low_freq_factor", scaling.low));
  VERGE_TRY(scaling.high, positive(rope.scaling, "high_freq_factor", scaling.high));
  out.rope_factors.push_back({"rope_freqs.weight", llama3_divisors(scaling, rotary_dims)});
  return {};
}

/// LongRoPE (Ding et al. 2024): divisors searched for each frequency, below and above the original
/// context, and the factor on attention that keeps its entropy.
Status add_longrope(const Rope& rope, uint32_t rotary_dims, HyperParameters& out) {
  for (const char* length : {"long", "short"}) {
    const std::string field = fmt::format("{}_factor", length);
    VERGE_TRY(const std::vector<double> values, rope.scaling.reals(field));
    if (values.size() != rotary_dims / 2) {
      return make_error(Code::Malformed, "{}: field {} has {} numbers, expected {}; fetch it again",
                        rope.scaling.path(), field, values.size(), rotary_dims / 2);
    }
    out.rope_factors.push_back({fmt::format("rope_factors_{}.weight", length),
                                std::vector<float>(values.begin(), values.end())});
  }
  const double stretch = rope.context / rope.original_context;
  const double attention =
      stretch > 1 ? std::sqrt(1 + std::log(stretch) / std::log(rope.original_context)) : 1;
  VERGE_TRY(const double factor, positive(rope.scaling, "attention_factor", attention));
  const std::string prefix = fmt::format("{}.rope.scaling.", out.family.architecture);
  out.metadata.set(prefix + "attn_factor", static_cast<float>(factor));
  out.metadata.set(prefix + "original_context_length",
                   static_cast<uint32_t>(rope.original_context));
  return {};
}

Status add_yarn(const Rope& rope, HyperParameters& out) {
  const std::string prefix = fmt::format("{}.rope.scaling.", out.family.architecture);
  out.metadata.set(prefix + "type", "yarn");
  out.metadata.set(prefix + "factor", static_cast<float>(rope.factor));
  out.metadata.set(prefix + "original_context_length",
                   static_cast<uint32_t>(rope.original_context));
  for (const auto& [field, key] : {std::pair("beta_fast", "yarn_beta_fast"),
                                   {"beta_slow", "yarn_beta_slow"},
                                   {"attention_factor", "attn_factor"}}) {
    VERGE_TRY(const std::optional<double> value, rope.scaling.real(field));
    if (value) out.metadata.set(prefix + key, static_cast<float>(*value));
  }
  return {};
}

}  // namespace

std::vector<float> llama3_divisors(const Llama3Scaling& scaling, uint32_t rotary_dims) {
  std::vector<float> divisors;
  for (uint32_t i = 0; i < rotary_dims / 2; ++i) {
    const double wavelength = 2 * std::numbers::pi * std::pow(scaling.base, 2.0 * i / rotary_dims);
    const double waves = scaling.original_context / wavelength;
    double speed = 1 / scaling.factor;
    if (waves > scaling.high) {
      speed = 1;
    } else if (waves >= scaling.low && scaling.high > scaling.low) {
      const double blend = (waves - scaling.low) / (scaling.high - scaling.low);
      speed = (1 - blend) / scaling.factor + blend;
    }
    divisors.push_back(static_cast<float>(1 / speed));
  }
  return divisors;
}

Status read_rope_scaling(const JsonObject& config, uint32_t rotary_dims, HyperParameters& out) {
  VERGE_TRY(const Rope rope, read_rope(config, out.family));
  const std::string prefix = fmt::format("{}.rope.", out.family.architecture);
  out.metadata.set(prefix + "freq_base", static_cast<float>(rope.base));
  if (rope.type == "default") return {};
  if (rope.type == "llama3") return add_llama3(rope, rotary_dims, out);
  if (rope.type == "longrope" || rope.type == "su") return add_longrope(rope, rotary_dims, out);
  if (rope.type == "yarn") return add_yarn(rope, out);
  if (rope.type == "linear") {
    out.metadata.set(prefix + "scaling.type", "linear");
    out.metadata.set(prefix + "scaling.factor", static_cast<float>(rope.factor));
    return {};
  }
  return make_error(Code::Unsupported,
                    "{}: rope_scaling of type {} is not supported; without it the model runs up to "
                    "its original context",
                    config.path(), rope.type);
}

}  // namespace verge::format
