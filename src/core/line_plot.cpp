#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <verge/core/line_plot.hpp>

namespace verge {
namespace {

constexpr double kWidth = 720, kHeight = 420, kLeft = 70, kRight = 20, kTop = 40, kBottom = 50;
constexpr const char* kColours[] = {"#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed"};

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

// About five round steps over a range: 1, 2 or 5 times a power of ten.
double tick_step(const Range& range) {
  const double rough = (range.high - range.low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

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
    svg_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
        "font-family=\"sans-serif\" "
        "font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        kWidth, kHeight);
    text(kWidth / 2, 22, "middle", plot_.title);
    text(kWidth / 2, kHeight - 12, "middle", plot_.x_label);
    text(12, kTop - 14, "start", plot_.y_label);
    draw_grid();
    for (size_t i = 0; i < plot_.series.size(); ++i) draw_series(i);
    return svg_ + "</svg>\n";
  }

 private:
  double at_x(double x) const {
    return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double at_y(double y) const {
    return kHeight - kBottom - (y - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  void text(double x, double y, const char* anchor, const std::string& words) {
    svg_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                        anchor, escaped(words));
  }
  void line(double x1, double y1, double x2, double y2, const char* colour) {
    svg_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1,
        x2, y2, colour);
  }

  void draw_grid() {
    const double x_step = tick_step(x_), y_step = tick_step(y_);
    for (double x = std::ceil(x_.low / x_step) * x_step; x <= x_.high; x += x_step) {
      line(at_x(x), kTop, at_x(x), kHeight - kBottom, "#e5e7eb");
      text(at_x(x), kHeight - kBottom + 16, "middle", fmt::format("{:g}", x));
    }
    for (double y = std::ceil(y_.low / y_step) * y_step; y <= y_.high; y += y_step) {
      line(kLeft, at_y(y), kWidth - kRight, at_y(y), "#e5e7eb");
      text(kLeft - 6, at_y(y) + 4, "end", fmt::format("{:.4g}", y));
    }
  }

  void draw_series(size_t index) {
    const PlotSeries& series = plot_.series[index];
    const char* colour = kColours[index % std::size(kColours)];
    std::string points;
    for (const auto& [x, y] : series.points) {
      if (std::isfinite(x) && std::isfinite(y))
        points += fmt::format("{:.1f},{:.1f} ", at_x(x), at_y(y));
    }
    svg_ +=
        fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" points=\"{}\"/>\n",
                    colour, points);
    const double y = kTop + 16 * static_cast<double>(index) + 8;
    line(kWidth - 170, y, kWidth - 150, y, colour);
    text(kWidth - 144, y + 4, "start", series.name);
  }

  const LinePlot& plot_;
  Range x_, y_;
  std::string svg_;
};

}  // namespace

std::string to_svg(const LinePlot& plot) {
  return Drawing(plot).draw();
}

}  // namespace verge
