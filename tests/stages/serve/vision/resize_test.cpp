#include <cmath>

#include <captured_pictures.hpp>
#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/core/rng.hpp>
#include <verge/stages/serve/vision/resize.hpp>

namespace verge::serve {
namespace {

Image noise(int64_t height, int64_t width, uint64_t seed) {
  Image image(height, width);
  Rng rng(seed);
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(rng.uniform() * 256);
  return image;
}

// The definition: each new pixel is the integral of the old ones under a triangle around its
// centre, both ways at once and without rounding in between.
double triangle_sum(const Image& image, int64_t height, int64_t width, int64_t y, int64_t x,
                    int c) {
  const double scale_y = static_cast<double>(image.height) / static_cast<double>(height);
  const double scale_x = static_cast<double>(image.width) / static_cast<double>(width);
  const auto share = [](double at, double centre, double scale) {
    return std::max(1 - std::abs(at - centre) / std::max(scale, 1.0), 0.0);
  };
  double sum = 0, total = 0;
  for (int64_t row = 0; row < image.height; ++row) {
    for (int64_t column = 0; column < image.width; ++column) {
      const double part =
          share(static_cast<double>(row) + 0.5, (static_cast<double>(y) + 0.5) * scale_y, scale_y) *
          share(static_cast<double>(column) + 0.5, (static_cast<double>(x) + 0.5) * scale_x,
                scale_x);
      sum += part * image.at(row, column)[c];
      total += part;
    }
  }
  return sum / total;
}

TEST(Resize, IsWhatLibvipsGives) {
  const auto captured = test::captured_json("tests/stages/serve/vision/captured_resizes.json");
  const Image image = test::captured_image(captured);
  for (const auto& entry : captured.at("entries")) {
    const bool is_nearest = entry.at("name") == "nearest";
    const Image found = resize(image, entry.at("height"), entry.at("width"),
                               is_nearest ? Filter::Nearest : Filter::Bilinear);
    EXPECT_LE(test::largest_difference(found, test::captured_image(entry)), is_nearest ? 0 : 2)
        << entry.at("name") << " " << entry.at("height") << "x" << entry.at("width");
  }
}

TEST(Resize, IsTheTriangleFilterForEverySize) {
  const std::pair<int64_t, int64_t> sizes[] = {{1, 1}, {3, 40}, {29, 2}, {64, 64}, {13, 17}};
  const Image image = noise(19, 23, 1);
  for (const auto& [height, width] : sizes) {
    const Image found = resize(image, height, width, Filter::Bilinear);
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          ASSERT_NEAR(found.at(y, x)[c], triangle_sum(image, height, width, y, x, c), 1.1)
              << height << "x" << width << " at " << y << "," << x;
        }
      }
    }
  }
}

TEST(Resize, TheSameSizeIsTheSamePicture) {
  const Image image = noise(9, 14, 2);
  for (const Filter filter : {Filter::Bilinear, Filter::Nearest}) {
    EXPECT_EQ(resize(image, 9, 14, filter).pixels, image.pixels);
  }
}

TEST(Resize, ExtentsThatNoPictureHasAreBugs) {
  const Image image = noise(2, 2, 4);
  for (const int64_t side : {int64_t{0}, int64_t{-1}, (int64_t{1} << 20) + 1}) {
    EXPECT_THROW(resize(image, side, 2, Filter::Nearest), InternalError) << side;
    EXPECT_THROW(resize(image, 2, side, Filter::Bilinear), InternalError) << side;
  }
  EXPECT_THROW(resize(Image(0, 2), 2, 2, Filter::Bilinear), InternalError);
}

TEST(Resize, CropTakesWhatLiesThere) {
  const Image image = noise(6, 7, 3);
  const Image part = crop(image, 2, 3, 4, 2);
  EXPECT_EQ(part.height, 4);
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 2; ++x) EXPECT_EQ(part.at(y, x)[1], image.at(y + 2, x + 3)[1]);
  }
}

}  // namespace
}  // namespace verge::serve
