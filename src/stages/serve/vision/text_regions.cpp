#include <cmath>

#include <verge/stages/serve/vision/text_regions.hpp>

namespace verge::serve {
namespace {

constexpr double kHalfPixel = 0.5;  // from the centres of pixels to their edges
constexpr double kLeastSide = 4;    // of a region in the map, in pixels
constexpr double kLineShare = 0.5;  // regions closer than this share of a height are of one line

struct ProbabilityMap {
  std::span<const float> values;
  int64_t height, width;

  float at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
};

Point centre_of(int64_t y, int64_t x) {
  return {static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5};
}

// The centres of pixels above the threshold that touch, corners included; taken out of `is_left`.
std::vector<Point> component_at(int64_t start, const ProbabilityMap& map,
                                std::vector<bool>& is_left) {
  std::vector<int64_t> waiting = {start};
  std::vector<Point> pixels;
  is_left[static_cast<size_t>(start)] = false;
  while (!waiting.empty()) {
    const int64_t at = waiting.back();
    waiting.pop_back();
    const int64_t y = at / map.width, x = at % map.width;
    pixels.push_back(centre_of(y, x));
    for (int64_t row = std::max<int64_t>(y - 1, 0); row <= std::min(y + 1, map.height - 1); ++row) {
      for (int64_t column = std::max<int64_t>(x - 1, 0); column <= std::min(x + 1, map.width - 1);
           ++column) {
        const int64_t next = row * map.width + column;
        if (!is_left[static_cast<size_t>(next)]) continue;
        is_left[static_cast<size_t>(next)] = false;
        waiting.push_back(next);
      }
    }
  }
  return pixels;
}

double mean_within(const ProbabilityMap& map, const Quad& quad) {
  const auto range = [&](double Point::*axis, int64_t extent) {
    const auto [least, most] = std::ranges::minmax(quad, {}, axis);
    return std::pair(std::max<int64_t>(std::llround(std::floor(least.*axis)), 0),
                     std::min<int64_t>(std::llround(std::ceil(most.*axis)), extent - 1));
  };
  const auto [top, bottom] = range(&Point::y, map.height);
  const auto [left, right] = range(&Point::x, map.width);
  double sum = 0;
  int64_t count = 0;
  for (int64_t y = top; y <= bottom; ++y) {
    for (int64_t x = left; x <= right; ++x) {
      if (!contains(quad, centre_of(y, x))) continue;
      sum += map.at(y, x);
      ++count;
    }
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

// Lines from the top down, each from the left.
void sort_for_reading(std::vector<TextRegion>& regions) {
  std::ranges::stable_sort(regions, {}, [](const TextRegion& region) { return region.quad[0].y; });
  for (size_t i = 1; i < regions.size(); ++i) {
    for (size_t j = i; j > 0; --j) {
      const Quad& before = regions[j - 1].quad;
      const Quad& here = regions[j].quad;
      const double line = kLineShare * std::min(height_of(before), height_of(here));
      if (std::abs(here[0].y - before[0].y) >= line || here[0].x >= before[0].x) break;
      std::swap(regions[j], regions[j - 1]);
    }
  }
}

}  // namespace

std::vector<TextRegion> text_regions(std::span<const float> map, int64_t height, int64_t width,
                                     const TextRegionOptions& options) {
  const ProbabilityMap values{map, height, width};
  std::vector<bool> is_left(map.size());
  for (size_t i = 0; i < map.size(); ++i) is_left[i] = map[i] > options.threshold;
  std::vector<TextRegion> regions;
  for (int64_t i = 0; i < height * width && std::ssize(regions) < options.most; ++i) {
    if (!is_left[static_cast<size_t>(i)]) continue;
    const Quad tight = grown(smallest_rectangle(component_at(i, values, is_left)), kHalfPixel);
    const double across = width_of(tight), down = height_of(tight);
    if (std::min(across, down) < kLeastSide) continue;
    const double confidence = mean_within(values, tight);
    if (confidence < options.confidence) continue;
    const double margin = across * down * options.unclip / (2 * (across + down));
    regions.push_back({grown(tight, margin), confidence});
  }
  sort_for_reading(regions);
  return regions;
}

}  // namespace verge::serve
