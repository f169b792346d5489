// Gemma 1 (Mesnard et al. 2024).

#include <verge/engine/nn/families/gemma.hpp>
#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {

Family gemma() {
  return {"gemma", [](const ModelFacts&, DecoderConfig& config) -> Status {
            configure_gemma(config);
            config.window = 0;
            return {};
          }};
}

}  // namespace verge::nn::families
