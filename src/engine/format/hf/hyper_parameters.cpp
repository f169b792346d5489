#include <verge/engine/format/hf/hyper_parameters.hpp>
#include <verge/engine/format/hf/rope_scaling.hpp>

namespace verge::format {
namespace {

Status set_if_present(const JsonObject& config, const std::string& field, Metadata& metadata,
                      const std::string& key) {
  VERGE_TRY(const std::optional<double> value, config.real(field));
  if (value) metadata.set(key, static_cast<float>(*value));
  return {};
}

Status read_sizes(const JsonObject& config, HyperParameters& out) {
  const HfFamily& family = out.family;
  const std::string prefix = std::string(family.architecture) + ".";
  VERGE_TRY(const uint32_t layers, config.whole("num_hidden_layers", 0));
  VERGE_TRY(const uint32_t width, config.whole("hidden_size", 0));
  VERGE_TRY(const uint32_t inner, config.whole("intermediate_size", 0));
  VERGE_TRY(const uint32_t context, config.whole("max_position_embeddings", family.context));
  VERGE_TRY(out.heads, config.whole("num_attention_heads", family.heads));
  if (out.heads == 0) {
    return make_error(Code::Malformed, "{}: field num_attention_heads is 0; fetch it again",
                      config.path());
  }
  VERGE_TRY(out.kv_heads, config.whole("num_key_value_heads",
                                       family.kv_heads != 0 ? family.kv_heads : out.heads));
  out.metadata.set(prefix + "block_count", layers);
  out.metadata.set(prefix + "context_length", context);
  out.metadata.set(prefix + "embedding_length", width);
  out.metadata.set(prefix + "feed_forward_length", inner);
  out.metadata.set(prefix + "attention.head_count", out.heads);
  out.metadata.set(prefix + "attention.head_count_kv", out.kv_heads);
  VERGE_TRY(const std::optional<uint32_t> vocab, config.whole("vocab_size"));
  if (vocab) out.metadata.set(prefix + "vocab_size", *vocab);
  return {};
}

Result<uint32_t> read_head_dim(const JsonObject& config, HyperParameters& out) {
  const std::string prefix = std::string(out.family.architecture) + ".";
  VERGE_TRY(const uint32_t width, config.whole("hidden_size", 0));
  VERGE_TRY(std::optional<uint32_t> head_dim, config.whole("head_dim"));
  if (!head_dim) head_dim = out.family.head_dim != 0 ? out.family.head_dim : width / out.heads;
  VERGE_TRY(const std::optional<double> part, config.real("partial_rotary_factor"));
  const double rotated = *head_dim * part.value_or(1);
  if (*head_dim == 0 || *head_dim > 65536 || !(rotated >= 2 && rotated <= *head_dim)) {
    return make_error(Code::Malformed, "{}: heads of {} values, {} of them rotated; fetch it again",
                      config.path(), *head_dim, rotated);
  }
  const auto rotary_dims = static_cast<uint32_t>(rotated);
  out.metadata.set(prefix + "attention.key_length", *head_dim);
  out.metadata.set(prefix + "attention.value_length", *head_dim);
  out.metadata.set(prefix + "rope.dimension_count", rotary_dims);
  return rotary_dims;
}

Status read_attention(const JsonObject& config, HyperParameters& out) {
  const std::string prefix = std::string(out.family.architecture) + ".";
  Metadata& metadata = out.metadata;
  VERGE_TRY(const std::optional<double> eps, config.real("rms_norm_eps"));
  metadata.set(prefix + "attention.layer_norm_rms_epsilon",
               static_cast<float>(eps.value_or(out.family.norm_eps)));
  VERGE_TRY(const std::optional<uint32_t> window, config.whole("sliding_window"));
  // Qwen names a window even where it is off, which is its default.
  const bool usually = !out.family.architecture.starts_with("qwen");
  VERGE_TRY(const std::optional<bool> has_window, config.flag("use_sliding_window"));
  if (window && has_window.value_or(usually)) {
    metadata.set(prefix + "attention.sliding_window", *window);
  }
  VERGE_RETURN_IF_ERROR(set_if_present(config, "attn_logit_softcapping", metadata,
                                       prefix + "attn_logit_softcapping"));
  return set_if_present(config, "final_logit_softcapping", metadata,
                        prefix + "final_logit_softcapping");
}

}  // namespace

Result<HyperParameters> read_hyper_parameters(const JsonObject& whole) {
  // Models that also see keep their language model's part in text_config.
  VERGE_TRY(const std::optional<JsonObject> part, whole.object("text_config"));
  const JsonObject& config = part ? *part : whole;
  VERGE_TRY(std::optional<std::string> type, config.text("model_type"));
  if (!type) {
    return make_error(Code::NotFound, "{}: field model_type is missing; fetch it again",
                      config.path());
  }
  Result<HfFamily> family = hf_family(*type);
  if (!family) {
    return make_error(Code::Unsupported, "{}: {}", config.path(), family.error().message);
  }
  HyperParameters out;
  out.family = *family;
  out.metadata.set("general.architecture", family->architecture);
  VERGE_RETURN_IF_ERROR(read_sizes(config, out));
  VERGE_TRY(const uint32_t rotary_dims, read_head_dim(config, out));
  VERGE_RETURN_IF_ERROR(read_attention(config, out));
  VERGE_RETURN_IF_ERROR(read_rope_scaling(config, rotary_dims, out));
  VERGE_TRY(const std::optional<bool> tied, whole.flag("tie_word_embeddings"));
  out.tied = tied.value_or(out.family.tied);
  return out;
}

}  // namespace verge::format
