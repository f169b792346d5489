// Llama 2 and 3, Mistral and Mixtral: one architecture name in model files (Touvron et al. 2023;
// Jiang et al. 2023, 2024).

#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {

Family llama() {
  return {"llama", [](const ModelFacts&, DecoderConfig& config) -> Status {
            config.rope.pairs = RopePairs::Interleaved;
            config.all_local = config.window > 0;
            return {};
          }};
}

}  // namespace verge::nn::families
