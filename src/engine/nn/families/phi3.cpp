// Phi-3 (Abdin et al. 2024): fused projections, and "longrope" factors for contexts beyond the
// original one (Ding et al. 2024).

#include <verge/engine/nn/family.hpp>

namespace verge::nn::families {
namespace {

// One factor for each frequency, or none at all.
Result<std::vector<float>> factors(const ModelFacts& facts, const std::string& name,
                                   const RopeConfig& rope) {
  std::vector<float> values = facts.tensor_values(name);
  if (!values.empty() && static_cast<int64_t>(values.size()) != rope.dims / 2) {
    return make_error(Code::Malformed, "{} has {} values, {} are needed", name, values.size(),
                      rope.dims / 2);
  }
  return values;
}

Status configure(const ModelFacts& facts, DecoderConfig& config) {
  RopeConfig& rope = config.rope;
  rope.pairs = RopePairs::Half;
  config.all_local = config.window > 0;
  VERGE_TRY(rope.divisors, factors(facts, "rope_factors_short.weight", rope));
  VERGE_TRY(rope.long_divisors, factors(facts, "rope_factors_long.weight", rope));
  rope.magnitude = facts.number("phi3.rope.scaling.attn_factor").value_or(1);
  return {};
}

}  // namespace

Family phi3() {
  return {"phi3", configure};
}

}  // namespace verge::nn::families
