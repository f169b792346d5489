// Qwen 2 and 2.5 (Yang et al. 2024): biases on the query, key and value projections.

#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {

Family qwen2() {
  return {"qwen2", [](const ModelFacts&, DecoderConfig& config) -> Status {
            config.rope.pairs = RopePairs::Half;
            return {};
          }};
}

}  // namespace verge::nn::families
