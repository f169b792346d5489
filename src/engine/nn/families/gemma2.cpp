// Gemma 2 (Riviere et al. 2024): soft-capped logits, a sliding window in every other layer, norms
// after blocks.

#include <verge/engine/nn/families/gemma.hpp>
#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {
namespace {

// The 27B model scales queries by d_model / heads instead of head_dim; its layer count tells it.
constexpr int64_t kLayersOf27B = 46;

Status configure(const ModelFacts& facts, DecoderConfig& config) {
  configure_gemma(config);
  config.post_norms = true;
  config.attention_softcap = facts.number("gemma2.attn_logit_softcapping").value_or(50);
  config.final_softcap = facts.number("gemma2.final_logit_softcapping").value_or(30);
  if (config.window == 0) config.window = 4096;
  config.window_pattern = 2;
  if (config.layers == kLayersOf27B) {
    config.attention_scale =
        1 / std::sqrt(static_cast<double>(config.d_model) / static_cast<double>(config.heads));
  }
  return {};
}

}  // namespace

Family gemma2() {
  return {"gemma2", configure};
}

}  // namespace verge::nn::families
