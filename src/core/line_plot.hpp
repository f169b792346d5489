#pragma once
// A line plot as an SVG picture: series over a common x axis, with ticks, grid and legend.

#include <string>
#include <utility>
#include <vector>

namespace verge {

struct PlotSeries {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x, y; points that are not finite are left out
};

struct LinePlot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<PlotSeries> series;
};

std::string to_svg(const LinePlot& plot);

}  // namespace verge
