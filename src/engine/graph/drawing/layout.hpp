#pragma once
// Layout: places the boxes of a directed graph in layers, top to bottom, with few crossings and
// straight lines (Sugiyama, Tagawa & Toda 1981). Boxes of one segment get layers of their own, so
// that a frame can be drawn around them.

#include <cstddef>
#include <utility>
#include <vector>

namespace verge::graph {

struct LayoutBox {
  double width = 0, height = 0;
  size_t segment = 0;   // ascending along every edge
  double x = 0, y = 0;  // of the upper left corner; filled by lay_out
  double centre() const { return x + width / 2; }
};

struct LayoutEdge {
  size_t from = 0, to = 0;  // boxes; from comes before to
  /// From the bottom of one box to the top of the other; by turns straight down within a layer and
  /// from one layer to the next.
  std::vector<std::pair<double, double>> points;
};

struct Layout {
  std::vector<LayoutBox> boxes;
  std::vector<LayoutEdge> edges;
  double width = 0, height = 0;
};

/// Fills places and points. Boxes are listed so that every edge goes from an earlier to a later
/// one.
void lay_out(Layout& layout);

}  // namespace verge::graph
