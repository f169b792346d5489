#pragma once
// Logits as a model might give them: normal, of mean 0 and deviation `scale`.

#include <cstdint>
#include <vector>

#include <verge/core/rng.hpp>

namespace verge::text {

inline std::vector<float> random_logits(size_t count, uint64_t seed, float scale = 3) {
  Rng rng(seed);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = scale * rng.normal();
  return logits;
}

}  // namespace verge::text
