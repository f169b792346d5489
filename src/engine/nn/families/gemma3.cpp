// Gemma 3 (Kamath et al. 2025): five local layers to a global one, each kind with its own rotary
// base.

#include <verge/engine/nn/families/gemma.hpp>
#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {
namespace {

// As in Gemma 2, the 27B model (62 layers) scales queries by d_model / heads.
constexpr int64_t kLayersOf27B = 62;

Status configure(const ModelFacts& facts, DecoderConfig& config) {
  configure_gemma(config);
  config.post_norms = true;
  config.final_softcap = facts.number("gemma3.final_logit_softcapping").value_or(0);
  config.window_pattern = 6;
  if (config.window > 0) config.rope.local_base = 10000;
  if (config.layers == kLayersOf27B) {
    config.attention_scale =
        1 / std::sqrt(static_cast<double>(config.d_model) / static_cast<double>(config.heads));
  }
  return {};
}

}  // namespace

Family gemma3() {
  return {"gemma3", configure};
}

}  // namespace verge::nn::families
