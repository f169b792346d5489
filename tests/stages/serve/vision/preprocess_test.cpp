#include <gtest/gtest.h>

#include <verge/stages/serve/vision/preprocess.hpp>

namespace verge::serve {
namespace {

Image coloured(int64_t height, int64_t width, std::array<uint8_t, 3> colour) {
  Image image(height, width);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = colour[i % 3];
  return image;
}

std::vector<float> values_for(const Image& image, const Preprocessing& how,
                              const PictureShape& shape, Placement* placement = nullptr) {
  std::vector<float> values(static_cast<size_t>(shape.count()), -1e9f);
  const Placement placed = prepare(image, how, shape, values.data());
  if (placement != nullptr) *placement = placed;
  return values;
}

TEST(Preprocess, ChannelsAreScaledShiftedAndOrdered) {
  const Image image = coloured(2, 3, {51, 102, 255});
  Preprocessing how;
  how.mean = {0.1f, 0.2f, 0.3f};
  how.deviation = {0.5f, 1, 2};
  const PictureShape planes{3, 2, 3, false};
  const auto rgb = values_for(image, how, planes);
  EXPECT_NEAR(rgb[0], (0.2 - 0.1) / 0.5, 1e-6);
  EXPECT_NEAR(rgb[6], 0.4 - 0.2, 1e-6);
  EXPECT_NEAR(rgb[17], (1 - 0.3) / 2, 1e-6);
  how.is_bgr = true;  // mean and deviation stay with the network's channels
  const auto bgr = values_for(image, how, planes);
  EXPECT_NEAR(bgr[0], (1 - 0.1) / 0.5, 1e-6);
  EXPECT_NEAR(bgr[12], (0.2 - 0.3) / 2, 1e-6);
  const auto last = values_for(image, how, {3, 2, 3, true});
  for (size_t pixel = 0; pixel < 6; ++pixel) {
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(last[pixel * 3 + c], bgr[c * 6 + pixel]);
  }
}

TEST(Preprocess, GreyIsTheWeightedSum) {
  Preprocessing how;
  how.scale = 1;
  const PictureShape shape{1, 1, 1, false};
  EXPECT_EQ(values_for(coloured(1, 1, {255, 0, 0}), how, shape)[0], 76);
  EXPECT_EQ(values_for(coloured(1, 1, {0, 255, 0}), how, shape)[0], 150);
  EXPECT_EQ(values_for(coloured(1, 1, {0, 0, 255}), how, shape)[0], 29);
  for (int value = 0; value < 256; ++value) {
    const auto grey = static_cast<uint8_t>(value);
    EXPECT_EQ(values_for(coloured(1, 1, {grey, grey, grey}), how, shape)[0], value);
  }
}

// A picture twice as wide as high, in a square: half of the square is padding.
TEST(Preprocess, ALetterboxKeepsProportionsAndFindsTheWayBack) {
  Preprocessing how;
  how.fit = Fit::Letterbox;
  how.scale = 1;
  Placement placement;
  const auto values =
      values_for(coloured(50, 100, {200, 200, 200}), how, {3, 64, 64, false}, &placement);
  EXPECT_EQ(values[0], 114);
  EXPECT_EQ(values[15 * 64], 114);
  EXPECT_EQ(values[16 * 64], 200);
  EXPECT_EQ(values[47 * 64 + 63], 200);
  EXPECT_EQ(values[48 * 64], 114);
  const Point corner = placement.in_picture({64, 48});
  EXPECT_NEAR(corner.x, 100, 1e-9);
  EXPECT_NEAR(corner.y, 50, 1e-9);
}

// The middle is kept: columns left and right of it are cut off.
TEST(Preprocess, ACropKeepsTheMiddle) {
  Image image(40, 80);
  for (int64_t y = 0; y < 40; ++y) {
    for (int64_t x = 0; x < 80; ++x) image.at(y, x)[0] = static_cast<uint8_t>(x);
  }
  Preprocessing how;
  how.fit = Fit::Crop;
  how.scale = 1;
  Placement placement;
  const auto whole = values_for(image, how, {3, 40, 40, false}, &placement);
  EXPECT_EQ(whole[0], 20);
  EXPECT_EQ(whole[39], 59);
  EXPECT_NEAR(placement.in_picture({0, 0}).x, 20, 1e-9);
  how.kept = 0.5;  // to 40 of 80, of which the middle 20
  const auto half = values_for(image, how, {3, 20, 20, false}, &placement);
  EXPECT_EQ(half[0], 30);
  EXPECT_EQ(half[19], 49);
  EXPECT_NEAR(placement.in_picture({20, 20}).y, 30, 1e-9);
}

// 1 and 3 columns are left: the offsets 0.5 and 1.5 become 0 and 2.
TEST(Preprocess, ACropRoundsHalvesToEven) {
  Preprocessing how;
  how.fit = Fit::Crop;
  Placement placement;
  values_for(coloured(40, 41, {1, 2, 3}), how, {3, 40, 40, false}, &placement);
  EXPECT_EQ(placement.in_picture({0, 0}).x, 0);
  values_for(coloured(40, 43, {1, 2, 3}), how, {3, 40, 40, false}, &placement);
  EXPECT_EQ(placement.in_picture({0, 0}).x, 2);
}

TEST(Preprocess, StretchingLeavesNothingOut) {
  Placement placement;
  values_for(coloured(30, 90, {1, 2, 3}), {}, {3, 60, 60, false}, &placement);
  EXPECT_NEAR(placement.in_picture({60, 60}).x, 90, 1e-9);
  EXPECT_NEAR(placement.in_picture({60, 60}).y, 30, 1e-9);
}

}  // namespace
}  // namespace verge::serve
