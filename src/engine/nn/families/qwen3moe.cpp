// Qwen 3 mixture of experts: the expert width has its own key.

#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {

Family qwen3moe() {
  return {"qwen3moe", [](const ModelFacts& facts, DecoderConfig& config) -> Status {
            config.rope.pairs = RopePairs::Half;
            const double width = facts.number("qwen3moe.expert_feed_forward_length").value_or(0);
            if (config.moe.experts == 0 || !(width >= 1 && width <= (1 << 20))) {
              return make_error(
                  Code::Malformed,
                  "a qwen3moe model needs expert_count and expert_feed_forward_length");
            }
            config.ffn_dim = static_cast<int64_t>(width);
            return {};
          }};
}

}  // namespace verge::nn::families
