#pragma once
// A problem that a tiny network solves in a second.

#include <verge/core/rng.hpp>
#include <verge/stages/build/train_image/judge.hpp>
#include <verge/stages/build/train_image/train_image.hpp>

#include "temporary_folder.hpp"

namespace verge::build {

// 8x8 images of noise with a bright half: top, bottom, left or right.
inline model::ImageSet halves(int64_t count, uint64_t seed) {
  model::ImageSet set{8, 8, {}, {}};
  Rng rng(seed);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t label = static_cast<int32_t>(i % 4);
    set.labels.push_back(label);
    for (int64_t p = 0; p < 64; ++p) {
      const bool bright[] = {p / 8 < 4, p / 8 >= 4, p % 8 < 4, p % 8 >= 4};
      set.pixels.push_back(static_cast<uint8_t>((bright[label] ? 150 : 0) + rng.below(60)));
    }
  }
  return set;
}

inline model::ImageData toy_images() {
  return {halves(160, 1), halves(80, 2), 4, "toy"};
}

inline TrainImageOptions toy_options() {
  TrainImageOptions options;
  options.stages = {{8}, {16}};
  options.augmentation = {.shift = 1, .degrees = 5, .scale = 0};
  options.epochs = 8;
  options.batch = 16;
  options.learning_rate = 1e-2;
  return options;
}

}  // namespace verge::build
