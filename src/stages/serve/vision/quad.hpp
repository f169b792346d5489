#pragma once
// Rectangles that may be turned.

#include <array>
#include <span>
#include <vector>

#include <verge/stages/serve/vision/preprocess.hpp>

namespace verge::serve {

/// Four corners, clockwise as seen, from the top left on.
using Quad = std::array<Point, 4>;

double distance(Point a, Point b);
/// Of the first edge, top left to top right, and of the second.
double width_of(const Quad& quad);
double height_of(const Quad& quad);

/// Andrew's monotone chain (1979): counter-clockwise in a plane whose y goes up, no three in line.
std::vector<Point> convex_hull(std::vector<Point> points);

/// The smallest rectangle around points; one of its sides lies on a side of the hull (Freeman &
/// Shapira 1975). Zero points give a rectangle at the origin.
Quad smallest_rectangle(std::span<const Point> points);

/// Each side moved outward by `margin`, for a rectangle.
Quad grown(const Quad& rectangle, double margin);

bool contains(const Quad& quad, Point point);

}  // namespace verge::serve
