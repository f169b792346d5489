#include <cmath>
#include <cstring>

#include <verge/core/result.hpp>
#include <verge/stages/serve/vision/resize.hpp>

namespace verge::serve {
namespace {

// The pixels that make one new pixel, and their shares.
struct Taps {
  int64_t first = 0;
  std::vector<float> shares = {};
};

std::vector<Taps> triangle_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double radius = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = std::max<int64_t>(std::llround(std::floor(centre - radius + 0.5)), 0);
    const int64_t end = std::min<int64_t>(std::llround(std::floor(centre + radius + 0.5)), from);
    double sum = 0;
    std::vector<double> shares;
    for (int64_t x = taps.first; x < end; ++x) {
      const double distance = std::abs(static_cast<double>(x) + 0.5 - centre) / radius;
      shares.push_back(std::max(1 - distance, 0.0));
      sum += shares.back();
    }
    for (const double share : shares) taps.shares.push_back(static_cast<float>(share / sum));
  }
  return all;
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::min(std::max(value + 0.5f, 0.0f), 255.0f));
}

Image resize_columns(const Image& image, int64_t width) {
  if (width == image.width) return image;
  const std::vector<Taps> all = triangle_taps(image.width, width);
  Image out(image.height, width);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const Taps& taps = all[static_cast<size_t>(x)];
      const uint8_t* from = image.at(y, taps.first);
      float sums[3] = {};
      for (const float share : taps.shares) {
        for (int c = 0; c < 3; ++c) sums[c] += share * static_cast<float>(*from++);
      }
      for (int c = 0; c < 3; ++c) out.at(y, x)[c] = to_byte(sums[c]);
    }
  }
  return out;
}

Image resize_rows(const Image& image, int64_t height) {
  if (height == image.height) return image;
  const std::vector<Taps> all = triangle_taps(image.height, height);
  Image out(height, image.width);
  const auto row_values = static_cast<size_t>(image.width * 3);
  std::vector<float> sums(row_values);
  for (int64_t y = 0; y < height; ++y) {
    const Taps& taps = all[static_cast<size_t>(y)];
    std::ranges::fill(sums, 0.0f);
    for (size_t t = 0; t < taps.shares.size(); ++t) {
      const uint8_t* row = image.at(taps.first + static_cast<int64_t>(t), 0);
      const float share = taps.shares[t];
      for (size_t i = 0; i < row_values; ++i) sums[i] += share * static_cast<float>(row[i]);
    }
    uint8_t* to = out.at(y, 0);
    for (size_t i = 0; i < row_values; ++i) to[i] = to_byte(sums[i]);
  }
  return out;
}

Image resize_nearest(const Image& image, int64_t height, int64_t width) {
  Image out(height, width);
  for (int64_t y = 0; y < height; ++y) {
    const int64_t row = (2 * y + 1) * image.height / (2 * height);
    for (int64_t x = 0; x < width; ++x) {
      std::memcpy(out.at(y, x), image.at(row, (2 * x + 1) * image.width / (2 * width)), 3);
    }
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int64_t height, int64_t width, Filter filter) {
  VERGE_CHECK(height > 0 && height <= kMostSide, height);
  VERGE_CHECK(width > 0 && width <= kMostSide, width);
  VERGE_CHECK(!image.pixels.empty(), image.height, image.width);
  if (filter == Filter::Nearest) return resize_nearest(image, height, width);
  return resize_rows(resize_columns(image, width), height);
}

Image crop(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width) {
  VERGE_CHECK(top >= 0 && left >= 0 && top + height <= image.height && left + width <= image.width,
              top, left, height, width);
  Image out(height, width);
  for (int64_t y = 0; y < height; ++y) {
    std::memcpy(out.at(y, 0), image.at(top + y, left), static_cast<size_t>(width * 3));
  }
  return out;
}

}  // namespace verge::serve
