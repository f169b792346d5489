#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <verge/engine/model/augment.hpp>

namespace verge::model {
namespace {

// Where output positions come from: source = matrix * (position - centre) + centre + offset.
struct Affine {
  float xx, xy, yx, yy, dx, dy;
};

float between(Rng& rng, float limit) {
  return (2 * rng.uniform() - 1) * limit;
}

Affine draw_affine(const Augmentation& how, Rng& rng) {
  const float angle = between(rng, how.degrees) * std::numbers::pi_v<float> / 180;
  const float zoom = 1 + between(rng, how.scale);
  const float mirror = how.mirror && rng.uniform() < 0.5f ? -1.0f : 1.0f;
  const float cosine = std::cos(angle) / zoom, sine = std::sin(angle) / zoom;
  const float dx = between(rng, how.shift);
  const float dy = between(rng, how.shift);
  return {cosine * mirror, -sine, sine * mirror, cosine, dx, dy};
}

// Bilinear; black outside.
float sample(std::span<const uint8_t> image, ImageSize size, float x, float y) {
  const float left = std::floor(x), top = std::floor(y);
  const auto at = [&](float column, float row) {
    if (column < 0 || row < 0 || column >= static_cast<float>(size.width) ||
        row >= static_cast<float>(size.height)) {
      return 0.0f;
    }
    return static_cast<float>(image[static_cast<size_t>(row) * static_cast<size_t>(size.width) +
                                    static_cast<size_t>(column)]);
  };
  const float fx = x - left, fy = y - top;
  return (1 - fy) * ((1 - fx) * at(left, top) + fx * at(left + 1, top)) +
         fy * ((1 - fx) * at(left, top + 1) + fx * at(left + 1, top + 1));
}

// The square may hang over the border, so that every pixel is blanked equally often.
void cut_out(int64_t side, ImageSize size, Rng& rng, float* out) {
  const int64_t top = rng.below(static_cast<uint32_t>(size.height)) - side / 2;
  const int64_t left = rng.below(static_cast<uint32_t>(size.width)) - side / 2;
  const int64_t first = std::max<int64_t>(left, 0), last = std::min(left + side, size.width);
  for (int64_t row = std::max<int64_t>(top, 0); row < std::min(top + side, size.height); ++row) {
    std::fill(out + row * size.width + first, out + row * size.width + last, 0.0f);
  }
}

}  // namespace

Normalization measure(std::span<const uint8_t> pixels) {
  double sum = 0, squares = 0;
  for (const uint8_t p : pixels) sum += p, squares += double{1} * p * p;
  const double count = static_cast<double>(std::max<size_t>(pixels.size(), 1));
  const double variance = squares / count - sum / count * (sum / count);
  return {static_cast<float>(sum / count), static_cast<float>(std::sqrt(std::max(variance, 1.0)))};
}

void augment(const Augmentation& how, const Normalization& normalization, ImageSize size,
             std::span<const uint8_t> image, Rng rng, float* out) {
  const Affine map = draw_affine(how, rng);
  const float cx = static_cast<float>(size.width - 1) / 2;
  const float cy = static_cast<float>(size.height - 1) / 2;
  for (int64_t row = 0; row < size.height; ++row) {
    const float v = static_cast<float>(row) - cy;
    for (int64_t column = 0; column < size.width; ++column) {
      const float u = static_cast<float>(column) - cx;
      const float value = sample(image, size, map.xx * u + map.xy * v + cx + map.dx,
                                 map.yx * u + map.yy * v + cy + map.dy);
      out[row * size.width + column] = (value - normalization.mean) / normalization.deviation;
    }
  }
  if (how.cutout > 0) cut_out(how.cutout, size, rng, out);
}

void normalize(const Normalization& normalization, std::span<const uint8_t> image, float* out) {
  for (size_t i = 0; i < image.size(); ++i) {
    out[i] = (static_cast<float>(image[i]) - normalization.mean) / normalization.deviation;
  }
}

std::vector<int32_t> shuffled(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<int32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Rng rng(seed, static_cast<uint64_t>(epoch) << 32 | 0xffffffff);  // no image has this number
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[rng.below(static_cast<uint32_t>(left))]);
  }
  return order;
}

}  // namespace verge::model
