#include <cmath>

#include <verge/core/checksum.hpp>
#include <verge/core/entropy.hpp>
#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/state_noise.hpp>

namespace verge::serve {
namespace {

double root_mean_square(std::span<const float> row) {
  double sum = 0;
  for (const float value : row) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(row.size()));
}

}  // namespace

StateNoise StateNoise::secret(double sigma) {
  return {sigma, secret_seed()};
}

// The draws follow from seed and state alone.
void StateNoise::add(std::span<float> rows, int64_t width) const {
  if (sigma_ <= 0) return;
  for (; !rows.empty(); rows = rows.subspan(static_cast<size_t>(width))) {
    const std::span<float> row = rows.first(static_cast<size_t>(width));
    const auto scale = static_cast<float>(sigma_ * root_mean_square(row));
    Rng rng(seed_, checksum(std::as_bytes(row)));
    for (float& value : row) value += scale * rng.normal();
  }
}

}  // namespace verge::serve
