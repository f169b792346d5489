#pragma once
// Random rows and the instruction sets of this machine, for the kernels' tests.

#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

inline std::vector<Isa> machine_isas() {
  std::vector<Isa> isas;
  for (Isa isa : kAllIsas) {
    if (isa <= best_isa()) isas.push_back(isa);
  }
  return isas;
}

/// `count` normal values times `deviation`.
inline std::vector<float> random_floats(int64_t count, uint64_t seed, float deviation = 1) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = deviation * rng.normal();
  return values;
}

}  // namespace verge::kernels
