#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <verge/core/bar_chart.hpp>
#include <verge/core/svg.hpp>

namespace verge {
namespace {

constexpr double kPictureHeight = 420, kEdgeLeft = 70, kEdgeRight = 20, kEdgeTop = 64,
                 kEdgeBottom = 60;
constexpr double kSlot = 84, kBar = 52, kLeast = 420;  // width of a bar's place, a bar, a picture
constexpr double kAbove = 1.06;                        // room for a bar's number
constexpr const char* kPartColours[] = {"#2563eb", "#d97706", "#059669", "#7c3aed", "#dc2626"};
constexpr const char* kGridLine = "stroke=\"#e5e7eb\"";

double height_of(double value) {
  return std::isfinite(value) ? std::max(0.0, value) : 0;
}

double sum_of(const Bar& bar) {
  double sum = 0;
  for (const double value : bar.values) sum += height_of(value);
  return sum;
}

// Of a part's name in the legend, with its square.
double legend_width(const std::string& name) {
  return 32 + 6.5 * static_cast<double>(name.size());
}

double width_of(const BarChart& chart) {
  double legend = 0;
  for (const std::string& part : chart.parts) legend += legend_width(part);
  return kEdgeLeft + kEdgeRight + std::max(legend, kSlot * static_cast<double>(chart.bars.size()));
}

class BarDrawing {
 public:
  explicit BarDrawing(const BarChart& chart)
      : chart_(chart), width_(std::max(kLeast, width_of(chart))), svg_(width_, kPictureHeight) {
    for (const Bar& bar : chart.bars) high_ = std::max(high_, sum_of(bar));
    high_ = high_ > 0 ? kAbove * high_ : 1;
  }

  std::string draw() {
    svg_.text(width_ / 2, 22, chart_.title, Anchor::Middle);
    svg_.text(12, kEdgeTop - 8, chart_.y_label);
    for (const double y : ticks(0, high_)) {
      svg_.line(kEdgeLeft, at(y), width_ - kEdgeRight, at(y), kGridLine);
      svg_.text(kEdgeLeft - 6, at(y) + 4, fmt::format("{:.4g}", y), Anchor::End);
    }
    draw_legend();
    for (size_t i = 0; i < chart_.bars.size(); ++i) draw_bar(i);
    return svg_.finish();
  }

 private:
  double at(double y) const {
    return kPictureHeight - kEdgeBottom - y / high_ * (kPictureHeight - kEdgeTop - kEdgeBottom);
  }

  void draw_legend() {
    double x = kEdgeLeft;
    for (size_t part = 0; part < chart_.parts.size(); ++part) {
      svg_.rect({x, 34, 10, 10}, fill(part));
      svg_.text(x + 15, 43, chart_.parts[part]);
      x += legend_width(chart_.parts[part]);
    }
  }

  void draw_bar(size_t index) {
    const Bar& bar = chart_.bars[index];
    const double middle = kEdgeLeft + kSlot * (static_cast<double>(index) + 0.5);
    double ground = 0;
    for (size_t part = 0; part < bar.values.size(); ++part) {
      const double value = height_of(bar.values[part]);
      if (value <= 0) continue;
      const std::string tip = part < chart_.parts.size() ? chart_.parts[part] : "";
      svg_.rect({middle - kBar / 2, at(ground + value), kBar, at(ground) - at(ground + value)},
                fill(part), fmt::format("{}: {:.4g}", tip, value));
      ground += value;
    }
    svg_.text(middle, at(ground) - 5, fmt::format("{:.3g}", ground), Anchor::Middle);
    const size_t line = bar.name.find('\n');
    svg_.text(middle, kPictureHeight - kEdgeBottom + 18, bar.name.substr(0, line), Anchor::Middle);
    if (line == std::string::npos) return;
    svg_.text(middle, kPictureHeight - kEdgeBottom + 34, bar.name.substr(line + 1), Anchor::Middle);
  }

  static std::string fill(size_t part) {
    return fmt::format("fill=\"{}\"", kPartColours[part % std::size(kPartColours)]);
  }

  const BarChart& chart_;
  double high_ = 0;
  double width_;
  Svg svg_;
};

}  // namespace

std::string to_svg(const BarChart& chart) {
  return BarDrawing(chart).draw();
}

}  // namespace verge
