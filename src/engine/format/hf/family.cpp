#include <algorithm>
#include <cctype>

#include <verge/engine/format/hf/family.hpp>

namespace verge::format {
namespace {

constexpr HfFamily kFamilies[] = {
    {.model_type = "llama", .architecture = "llama", .interleave = true, .context = 2048},
    {.model_type = "mistral",
     .architecture = "llama",
     .interleave = true,
     .context = 131072,
     .kv_heads = 8},
    {.model_type = "qwen2", .architecture = "qwen2", .context = 32768},
    {.model_type = "qwen3", .architecture = "qwen3", .context = 32768, .head_dim = 128},
    {.model_type = "gemma",
     .architecture = "gemma",
     .norms_add_one = true,
     .tied = true,
     .context = 8192,
     .head_dim = 256},
    {.model_type = "gemma2",
     .architecture = "gemma2",
     .norms_add_one = true,
     .post_norms = true,
     .tied = true,
     .context = 8192,
     .heads = 8,
     .kv_heads = 4,
     .head_dim = 256},
    {.model_type = "gemma3_text",
     .architecture = "gemma3",
     .norms_add_one = true,
     .post_norms = true,
     .tied = true,
     .rope_base = 1e6,
     .context = 131072,
     .heads = 8,
     .kv_heads = 4,
     .head_dim = 256},
    {.model_type = "phi3", .architecture = "phi3", .norm_eps = 1e-5, .context = 4096},
};

struct Renamed {
  std::string_view hf;
  std::string_view gguf;
};
constexpr Renamed kWhole[] = {
    {"embed_tokens", "token_embd"},
    {"norm", "output_norm"},
    {"lm_head", "output"},
};
constexpr Renamed kLayer[] = {
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
};
constexpr std::string_view kPrefixes[] = {"language_model.model.", "model.language_model.",
                                          "language_model.", "model."};
constexpr std::string_view kDropped[] = {"vision_tower.", "model.vision_tower.",
                                         "multi_modal_projector.", "model.multi_modal_projector."};

template <size_t N>
std::string_view look_up(const Renamed (&table)[N], std::string_view name) {
  const auto found = std::ranges::find(table, name, &Renamed::hf);
  return found == std::end(table) ? std::string_view() : found->gguf;
}

/// "self_attn.q_proj" of a layer in GGUF's words.
std::string_view layer_name(const HfFamily& family, std::string_view name) {
  if (name == "post_attention_layernorm") {
    return family.post_norms ? "post_attention_norm" : "ffn_norm";
  }
  return look_up(kLayer, name);
}

}  // namespace

Result<HfFamily> hf_family(std::string_view model_type) {
  std::string known;
  for (const HfFamily& family : kFamilies) {
    if (family.model_type == model_type) return family;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family.model_type);
  }
  return make_error(Code::Unsupported,
                    "model_type {} is not supported; fetch the model as GGUF, or one of {}",
                    model_type, known);
}

Result<HfFamily> hf_family_of(std::string_view architecture) {
  const auto found = std::ranges::find(kFamilies, architecture, &HfFamily::architecture);
  if (found != std::end(kFamilies)) return *found;
  return make_error(
      Code::Unsupported,
      "no Hugging Face names are known for architecture {}; fetch the adapter as GGUF",
      architecture);
}

std::optional<std::string> gguf_tensor_name(const HfFamily& family, std::string_view hf_name) {
  for (std::string_view dropped : kDropped) {
    if (hf_name.starts_with(dropped)) return "";
  }
  if (hf_name.ends_with("rotary_emb.inv_freq")) return "";
  const size_t dot = hf_name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = hf_name.substr(dot);
  if (suffix != ".weight" && suffix != ".bias") return std::nullopt;
  std::string_view stem = hf_name.substr(0, dot);
  for (std::string_view prefix : kPrefixes) {
    if (!stem.starts_with(prefix)) continue;
    stem.remove_prefix(prefix.size());
    break;
  }
  constexpr std::string_view kLayers = "layers.";
  std::string_view renamed = look_up(kWhole, stem);
  if (!renamed.empty()) return fmt::format("{}{}", renamed, suffix);
  if (!stem.starts_with(kLayers)) return std::nullopt;
  stem.remove_prefix(kLayers.size());
  const size_t digits = std::min(stem.find('.'), stem.size());
  const std::string_view number = stem.substr(0, digits);
  const bool is_number = !number.empty() && std::ranges::all_of(number, [](unsigned char c) {
    return std::isdigit(c) != 0;
  });
  renamed = digits < stem.size() ? layer_name(family, stem.substr(digits + 1)) : "";
  if (!is_number || renamed.empty()) return std::nullopt;
  return fmt::format("blk.{}.{}{}", number, renamed, suffix);
}

std::optional<std::string> hf_tensor_name(std::string_view gguf_name) {
  const size_t dot = gguf_name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = gguf_name.substr(dot);
  std::string_view stem = gguf_name.substr(0, dot);
  std::string prefix = stem == "output" ? "" : "model.";
  if (stem.starts_with("blk.")) {
    const size_t end = std::min(stem.find('.', 4), stem.size());
    prefix += fmt::format("layers.{}.", stem.substr(4, end - 4));
    stem.remove_prefix(std::min(end + 1, stem.size()));
    if (stem == "ffn_norm") return fmt::format("{}post_attention_layernorm{}", prefix, suffix);
    const auto found = std::ranges::find(kLayer, stem, &Renamed::gguf);
    if (found == std::end(kLayer)) return std::nullopt;
    return fmt::format("{}{}{}", prefix, found->hf, suffix);
  }
  const auto found = std::ranges::find(kWhole, stem, &Renamed::gguf);
  if (found == std::end(kWhole)) return std::nullopt;
  return fmt::format("{}{}{}", prefix, found->hf, suffix);
}

}  // namespace verge::format
