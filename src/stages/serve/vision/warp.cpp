#include <cmath>
#include <cstring>

#include <verge/stages/serve/vision/warp.hpp>

namespace verge::serve {
namespace {

void sample(const Image& image, Point at, uint8_t* out) {
  const double x = std::clamp(at.x - 0.5, 0.0, static_cast<double>(image.width - 1));
  const double y = std::clamp(at.y - 0.5, 0.0, static_cast<double>(image.height - 1));
  const auto left = static_cast<int64_t>(x), top = static_cast<int64_t>(y);
  const int64_t right = std::min(left + 1, image.width - 1);
  const int64_t bottom = std::min(top + 1, image.height - 1);
  const double fx = x - static_cast<double>(left), fy = y - static_cast<double>(top);
  for (int c = 0; c < 3; ++c) {
    const double above = image.at(top, left)[c] * (1 - fx) + image.at(top, right)[c] * fx;
    const double below = image.at(bottom, left)[c] * (1 - fx) + image.at(bottom, right)[c] * fx;
    out[c] = static_cast<uint8_t>(above * (1 - fy) + below * fy + 0.5);
  }
}

int64_t pixels_of(double side, int64_t most) {
  return std::clamp<int64_t>(std::llround(side), 1, most);
}

}  // namespace

Image upright_crop(const Image& image, const Quad& quad) {
  const int64_t longest = 2 * (image.height + image.width);
  Image out(pixels_of(height_of(quad), longest), pixels_of(width_of(quad), longest));
  for (int64_t y = 0; y < out.height; ++y) {
    const double v = (static_cast<double>(y) + 0.5) / static_cast<double>(out.height);
    const Point from = {quad[0].x + v * (quad[3].x - quad[0].x),
                        quad[0].y + v * (quad[3].y - quad[0].y)};
    const Point to = {quad[1].x + v * (quad[2].x - quad[1].x),
                      quad[1].y + v * (quad[2].y - quad[1].y)};
    for (int64_t x = 0; x < out.width; ++x) {
      const double u = (static_cast<double>(x) + 0.5) / static_cast<double>(out.width);
      sample(image, {from.x + u * (to.x - from.x), from.y + u * (to.y - from.y)}, out.at(y, x));
    }
  }
  return out;
}

Image turned_left(const Image& image) {
  Image out(image.width, image.height);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      std::memcpy(out.at(y, x), image.at(x, image.width - 1 - y), 3);
    }
  }
  return out;
}

Image turned_over(const Image& image) {
  Image out(image.height, image.width);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      std::memcpy(out.at(y, x), image.at(out.height - 1 - y, out.width - 1 - x), 3);
    }
  }
  return out;
}

}  // namespace verge::serve
