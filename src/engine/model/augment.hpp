#pragma once
// Augmentation: each training image is turned, scaled, moved, perhaps mirrored and partly blanked
// (DeVries & Taylor 2017), by numbers that are a pure function of seed, epoch and image. So results
// depend neither on threads nor on interruptions.

#include <cstdint>
#include <span>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/model/image_network.hpp>

namespace verge::model {

struct Augmentation {
  float shift = 2;      // at most so many pixels each way
  float degrees = 10;   // at most
  float scale = 0.1f;   // 1 +- this
  bool mirror = false;  // left and right, half of the images
  int64_t cutout = 0;   // side of the blanked square; 0: none
};

Normalization measure(std::span<const uint8_t> pixels);

struct ImageSize {
  int64_t height, width;
};

/// Writes the augmented image to out [height, width].
void augment(const Augmentation& how, const Normalization& normalization, ImageSize size,
             std::span<const uint8_t> image, Rng rng, float* out);
/// The image as it is.
void normalize(const Normalization& normalization, std::span<const uint8_t> image, float* out);

/// A permutation of [0, count) by seed and epoch.
std::vector<int32_t> shuffled(int64_t count, uint64_t seed, int64_t epoch);

}  // namespace verge::model
