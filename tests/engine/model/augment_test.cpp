#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/engine/model/augment.hpp>

namespace verge::model {
namespace {

constexpr ImageSize kSize{8, 8};
constexpr Normalization kPlain{0, 1};

std::vector<uint8_t> ramp() {
  std::vector<uint8_t> image(64);
  std::iota(image.begin(), image.end(), uint8_t{1});
  return image;
}

std::vector<float> augmented(const Augmentation& how, uint64_t stream) {
  std::vector<float> out(64);
  augment(how, kPlain, kSize, ramp(), Rng(1, stream), out.data());
  return out;
}

TEST(Augment, WithoutChangesIsTheImage) {
  const std::vector<float> out = augmented({.shift = 0, .degrees = 0, .scale = 0}, 3);
  const std::vector<uint8_t> image = ramp();
  for (size_t i = 0; i < 64; ++i) EXPECT_FLOAT_EQ(out[i], image[i]);
}

TEST(Augment, MirrorsHalfOfTheImages) {
  const Augmentation how{.shift = 0, .degrees = 0, .scale = 0, .mirror = true};
  int mirrored = 0;
  for (uint64_t stream = 0; stream < 200; ++stream) {
    const std::vector<float> out = augmented(how, stream);
    EXPECT_TRUE(out[0] == 1 || out[0] == 8) << out[0];
    mirrored += out[0] == 8;
  }
  EXPECT_NEAR(mirrored, 100, 40);
}

TEST(Augment, IsAFunctionOfTheStream) {
  const Augmentation how{.cutout = 3};
  EXPECT_EQ(augmented(how, 4), augmented(how, 4));
  EXPECT_NE(augmented(how, 4), augmented(how, 5));
}

TEST(Augment, BlanksAtMostTheSquare) {
  const Augmentation how{.shift = 0, .degrees = 0, .scale = 0, .cutout = 3};
  for (uint64_t stream = 0; stream < 50; ++stream) {
    const std::vector<float> out = augmented(how, stream);
    const auto blank = std::ranges::count(out, 0.0f);
    EXPECT_TRUE(blank >= 2 && blank <= 9) << blank;
  }
}

TEST(Augment, MeasuresAndNormalizes) {
  const std::vector<uint8_t> pixels = {10, 20, 30, 40};
  const Normalization n = measure(pixels);
  EXPECT_FLOAT_EQ(n.mean, 25);
  EXPECT_NEAR(n.deviation, 11.1803, 1e-4);
  float out[4];
  normalize(n, pixels, out);
  EXPECT_NEAR(out[3], 1.341641, 1e-5);
  EXPECT_FLOAT_EQ(measure(std::vector<uint8_t>(4, 7)).deviation, 1);  // never a division by 0
}

TEST(Augment, ShufflesByEpoch) {
  std::vector<int32_t> order = shuffled(100, 1, 0);
  EXPECT_EQ(order, shuffled(100, 1, 0));
  EXPECT_NE(order, shuffled(100, 1, 1));
  EXPECT_NE(order, shuffled(100, 2, 0));
  std::ranges::sort(order);
  for (int32_t i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace verge::model
