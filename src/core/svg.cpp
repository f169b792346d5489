#include <cmath>

#include <fmt/format.h>

#include <verge/core/svg.hpp>

namespace verge {
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

Svg::Svg(double width, double height)
    : text_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" "
                        "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
                        "font-family=\"sans-serif\" font-size=\"12\">\n"
                        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                        width, height)) {}

void Svg::text(double x, double y, std::string_view words, Anchor anchor, std::string_view style) {
  constexpr std::string_view kAnchors[] = {"start", "middle", "end"};
  text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", x, y,
                       kAnchors[static_cast<size_t>(anchor)], style, escaped(words));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view style) {
  text_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                       y1, x2, y2, style);
}

void Svg::rect(const Box& box, std::string_view style, std::string_view tip) {
  text_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}",
                       box.x, box.y, box.width, box.height, style);
  text_ += tip.empty() ? "/>\n" : fmt::format("><title>{}</title></rect>\n", escaped(tip));
}

void Svg::polyline(const Points& points, std::string_view style) {
  text_ += fmt::format("<polyline fill=\"none\" {} points=\"", style);
  for (const auto& [x, y] : points) text_ += fmt::format("{:.1f},{:.1f} ", x, y);
  text_ += "\"/>\n";
}

void Svg::path(std::string_view data, std::string_view style) {
  text_ += fmt::format("<path d=\"{}\" fill=\"none\" {}/>\n", data, style);
}

void Svg::define_arrow() {
  text_ +=
      "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
      "markerHeight=\"7\" orient=\"auto\"><path d=\"M 0 1 L 7 4 L 0 7 z\" fill=\"#64748b\"/>"
      "</marker></defs>\n";
}

std::vector<double> ticks(double low, double high) {
  const double rough = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> marks;
  for (double n = std::ceil(low / step); n * step <= high; ++n) marks.push_back(n * step);
  return marks;
}

}  // namespace verge
