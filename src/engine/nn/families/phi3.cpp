// Phi-3 (Abdin et al. 2024): fused projections, and "longrope" factors for contexts beyond the
// original one.

#include <cmath>

#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {
namespace {

Status configure(const ModelFacts& facts, DecoderConfig& config) {
  config.rope.pairs = RopePairs::Half;
  config.all_local = config.window > 0;
  const bool is_long = config.context > config.rope.original_context;
  RopeConfig& rope = config.rope;
  const auto divisors =
      facts.tensor_values(is_long ? "rope_factors_long.weight" : "rope_factors_short.weight");
  if (divisors.empty()) return {};
  if (static_cast<int64_t>(divisors.size()) != rope.dims / 2) {
    return make_error(Code::Malformed, "the rope factors have {} values, {} are needed",
                      divisors.size(), rope.dims / 2);
  }
  rope.divisors = divisors;
  rope.magnitude = facts.number("phi3.rope.scaling.attn_factor").value_or(1);
  return {};
}

}  // namespace

Family phi3() {
  return {"phi3", configure};
}

}  // namespace verge::nn::families
