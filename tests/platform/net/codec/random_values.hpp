#pragma once
// Values as tests of codecs pack them.

#include <vector>

#include <verge/core/rng.hpp>

namespace verge::test {

inline std::vector<float> normal_values(int64_t count, uint64_t seed, float deviation = 1) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = deviation * rng.normal();
  return values;
}

}  // namespace verge::test
