// Qwen 3 (Yang et al. 2025): normalised queries and keys, no biases.

#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {

Family qwen3() {
  return {"qwen3", [](const ModelFacts&, DecoderConfig& config) -> Status {
            config.rope.pairs = RopePairs::Half;
            return {};
          }};
}

}  // namespace verge::nn::families
