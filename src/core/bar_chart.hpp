#pragma once
// Stacked bars as an SVG picture, with grid and legend.

#include <string>
#include <vector>

namespace verge {

struct Bar {
  std::string name;            // below it; "\n" begins a second line
  std::vector<double> values;  // by part, from the ground up; what is not finite or below 0 is none
};

struct BarChart {
  std::string title = {};
  std::string y_label = {};
  std::vector<std::string> parts = {};
  std::vector<Bar> bars = {};
};

std::string to_svg(const BarChart& chart);

}  // namespace verge
