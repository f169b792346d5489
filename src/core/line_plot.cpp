#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <verge/core/line_plot.hpp>
#include <verge/core/svg.hpp>

namespace verge {
namespace {

constexpr double kWidth = 720, kHeight = 420, kLeft = 70, kRight = 20, kTop = 40, kBottom = 50;
constexpr const char* kColours[] = {"#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed"};
constexpr const char* kGrid = "stroke=\"#e5e7eb\"";

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void settle() {
    if (!(low <= high)) low = 0, high = 1;
    if (low == high) high = low + 1;
  }
};

class Drawing {
 public:
  explicit Drawing(const LinePlot& plot) : plot_(plot) {
    for (const PlotSeries& series : plot.series) {
      for (const auto& [x, y] : series.points) {
        if (!std::isfinite(x) || !std::isfinite(y)) continue;
        x_.include(x);
        y_.include(y);
      }
    }
    x_.settle();
    y_.settle();
  }

  std::string draw() {
    svg_.text(kWidth / 2, 22, plot_.title, Anchor::Middle);
    svg_.text(kWidth / 2, kHeight - 12, plot_.x_label, Anchor::Middle);
    svg_.text(12, kTop - 14, plot_.y_label);
    draw_grid();
    for (size_t i = 0; i < plot_.series.size(); ++i) draw_series(i);
    return svg_.finish();
  }

 private:
  double at_x(double x) const {
    return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double at_y(double y) const {
    return kHeight - kBottom - (y - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  void draw_grid() {
    for (double x : ticks(x_.low, x_.high)) {
      svg_.line(at_x(x), kTop, at_x(x), kHeight - kBottom, kGrid);
      svg_.text(at_x(x), kHeight - kBottom + 16, fmt::format("{:g}", x), Anchor::Middle);
    }
    for (double y : ticks(y_.low, y_.high)) {
      svg_.line(kLeft, at_y(y), kWidth - kRight, at_y(y), kGrid);
      svg_.text(kLeft - 6, at_y(y) + 4, fmt::format("{:.4g}", y), Anchor::End);
    }
  }

  void draw_series(size_t index) {
    const PlotSeries& series = plot_.series[index];
    const std::string stroke =
        fmt::format("stroke=\"{}\" stroke-width=\"1.5\"", kColours[index % std::size(kColours)]);
    Svg::Points points;
    for (const auto& [x, y] : series.points) {
      if (std::isfinite(x) && std::isfinite(y)) points.emplace_back(at_x(x), at_y(y));
    }
    svg_.polyline(points, stroke);
    const double y = kTop + 16 * static_cast<double>(index) + 8;
    svg_.line(kWidth - 170, y, kWidth - 150, y, stroke);
    svg_.text(kWidth - 144, y + 4, series.name);
  }

  const LinePlot& plot_;
  Range x_, y_;
  Svg svg_{kWidth, kHeight};
};

}  // namespace

std::string to_svg(const LinePlot& plot) {
  return Drawing(plot).draw();
}

}  // namespace verge
