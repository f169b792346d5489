#include <cmath>
#include <cstring>

#include <verge/stages/serve/vision/draw.hpp>
#include <verge/stages/serve/vision/font.hpp>

namespace verge::serve {
namespace {

using Colour = std::array<uint8_t, 3>;

constexpr Colour kWhite = {255, 255, 255};
// Dark enough for white letters, and far apart.
constexpr Colour kColours[] = {{200, 30, 30},  {20, 110, 200}, {20, 130, 50},  {170, 90, 0},
                               {130, 40, 170}, {0, 125, 130},  {190, 30, 120}, {90, 90, 90}};

void fill(Image& picture, int64_t top, int64_t left, int64_t height, int64_t width,
          const Colour& colour) {
  for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + height, picture.height); ++y) {
    for (int64_t x = std::max<int64_t>(left, 0); x < std::min(left + width, picture.width); ++x) {
      std::memcpy(picture.at(y, x), colour.data(), 3);
    }
  }
}

// White on a bar of the colour, inside the picture where it fits.
void draw_label(Image& picture, int64_t bottom, int64_t left, const std::string& text,
                const Colour& colour, int64_t scale) {
  const int64_t height = (kGlyphHeight + 2) * scale;
  const int64_t width = (static_cast<int64_t>(text.size()) * (kGlyphWidth + 1) + 1) * scale;
  const int64_t top = std::max<int64_t>(bottom - height, 0);
  left = std::max<int64_t>(std::min(left, picture.width - width), 0);
  fill(picture, top, left, height, width, colour);
  for (size_t i = 0; i < text.size(); ++i) {
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        if (!glyph_pixel(text[i], row, column)) continue;
        const int64_t x = left + (1 + static_cast<int64_t>(i) * (kGlyphWidth + 1) + column) * scale;
        fill(picture, top + (1 + row) * scale, x, scale, scale, kWhite);
      }
    }
  }
}

Quad quad_of(const Detection& box) {
  return {Point{box.left, box.top}, Point{box.right, box.top}, Point{box.right, box.bottom},
          Point{box.left, box.bottom}};
}

std::string with_percent(const std::string& label, double probability) {
  return fmt::format("{} {:.0f}%", label, 100 * probability);
}

}  // namespace

void draw_outline(Image& picture, const Quad& quad, std::array<uint8_t, 3> colour,
                  int64_t thickness) {
  const auto inside = [](double value, int64_t extent) {
    return std::clamp(value, 0.0, static_cast<double>(extent - 1));
  };
  for (size_t i = 0; i < 4; ++i) {
    const Point from = {inside(quad[i].x, picture.width), inside(quad[i].y, picture.height)};
    const Point& end = quad[(i + 1) % 4];
    const Point to = {inside(end.x, picture.width), inside(end.y, picture.height)};
    const auto steps = static_cast<int64_t>(std::ceil(distance(from, to))) + 1;
    for (int64_t step = 0; step <= steps; ++step) {
      const double part = static_cast<double>(step) / static_cast<double>(steps);
      const auto x = std::llround(from.x + part * (to.x - from.x));
      const auto y = std::llround(from.y + part * (to.y - from.y));
      fill(picture, y - thickness / 2, x - thickness / 2, thickness, thickness, colour);
    }
  }
}

Image annotated(Image picture, const PictureAnswer& answer, std::span<const std::string> labels) {
  const int64_t side = std::min(picture.height, picture.width);
  const int64_t scale = std::max<int64_t>(side / 320, 1);
  if (!answer.classes.empty()) {
    const ClassScore& best = answer.classes.front();
    draw_label(picture, 0, 0, with_percent(label_of(labels, best.index), best.probability),
               kColours[0], scale);
  }
  for (const Detection& box : answer.objects) {
    const Colour& colour = kColours[static_cast<size_t>(box.index) % std::size(kColours)];
    draw_outline(picture, quad_of(box), colour, scale + 1);
    draw_label(picture, std::llround(box.top), std::llround(box.left),
               with_percent(label_of(labels, box.index), box.confidence), colour, scale);
  }
  for (size_t i = 0; i < answer.lines.size(); ++i) {
    const Quad& quad = answer.lines[i].quad;
    const Colour& colour = kColours[i % std::size(kColours)];
    draw_outline(picture, quad, colour, scale);
    draw_label(picture, std::llround(quad[0].y), std::llround(quad[0].x), fmt::format("{}", i + 1),
               colour, scale);
  }
  return picture;
}

}  // namespace verge::serve
