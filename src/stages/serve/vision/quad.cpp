#include <cmath>

#include <verge/stages/serve/vision/quad.hpp>

namespace verge::serve {
namespace {

double cross(Point origin, Point a, Point b) {
  return (a.x - origin.x) * (b.y - origin.y) - (a.y - origin.y) * (b.x - origin.x);
}

// The rectangle around a hull with sides along `along` and across it.
struct Sides {
  Point along = {1, 0};
  double least = 0, most = 0, across_least = 0, across_most = 0;

  double area() const { return (most - least) * (across_most - across_least); }
  Point corner(double a, double b) const {
    return {a * along.x - b * along.y, a * along.y + b * along.x};
  }
};

Sides sides_along(std::span<const Point> hull, Point along) {
  Sides sides{along, INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (const Point& point : hull) {
    const double a = point.x * along.x + point.y * along.y;
    const double b = point.y * along.x - point.x * along.y;
    sides.least = std::min(sides.least, a);
    sides.most = std::max(sides.most, a);
    sides.across_least = std::min(sides.across_least, b);
    sides.across_most = std::max(sides.across_most, b);
  }
  return sides;
}

// As Paddle orders them: of the two leftmost corners the upper is the first, of the others the
// upper the second.
Quad ordered(Quad corners) {
  std::ranges::stable_sort(corners, {}, &Point::x);
  if (corners[0].y > corners[1].y) std::swap(corners[0], corners[1]);
  if (corners[2].y > corners[3].y) std::swap(corners[2], corners[3]);
  return {corners[0], corners[2], corners[3], corners[1]};
}

}  // namespace

double distance(Point a, Point b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

double width_of(const Quad& quad) {
  return distance(quad[0], quad[1]);
}

double height_of(const Quad& quad) {
  return distance(quad[1], quad[2]);
}

std::vector<Point> convex_hull(std::vector<Point> points) {
  const auto same = [](Point a, Point b) { return a.x == b.x && a.y == b.y; };
  std::ranges::sort(points, [](Point a, Point b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  points.erase(std::unique(points.begin(), points.end(), same), points.end());
  if (points.size() < 3) return points;
  std::vector<Point> hull;
  for (int half = 0; half < 2; ++half) {
    const size_t begin = hull.size();
    for (const Point& point : points) {
      while (hull.size() >= begin + 2 && cross(hull[hull.size() - 2], hull.back(), point) <= 0) {
        hull.pop_back();
      }
      hull.push_back(point);
    }
    hull.pop_back();  // the first of the other half
    std::ranges::reverse(points);
  }
  return hull;
}

Quad smallest_rectangle(std::span<const Point> points) {
  const std::vector<Point> hull = convex_hull({points.begin(), points.end()});
  if (hull.empty()) return {};
  Sides best = sides_along(hull, {1, 0});
  for (size_t i = 0; i < hull.size(); ++i) {
    const Point& from = hull[i];
    const Point& to = hull[(i + 1) % hull.size()];
    const double length = distance(from, to);
    if (length == 0) continue;
    const Sides sides = sides_along(hull, {(to.x - from.x) / length, (to.y - from.y) / length});
    if (sides.area() < best.area() - 1e-9) best = sides;
  }
  return ordered(
      {best.corner(best.least, best.across_least), best.corner(best.most, best.across_least),
       best.corner(best.most, best.across_most), best.corner(best.least, best.across_most)});
}

Quad grown(const Quad& rectangle, double margin) {
  const auto unit = [](Point from, Point to) -> Point {
    const double length = distance(from, to);
    if (length == 0) return {0, 0};
    return {(to.x - from.x) / length, (to.y - from.y) / length};
  };
  Point right = unit(rectangle[0], rectangle[1]);
  Point down = unit(rectangle[1], rectangle[2]);
  if (right.x == 0 && right.y == 0) right = {down.y, -down.x};
  if (down.x == 0 && down.y == 0) down = {-right.y, right.x};
  const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  Quad moved = rectangle;
  for (size_t i = 0; i < 4; ++i) {
    moved[i].x += margin * (signs[i][0] * right.x + signs[i][1] * down.x);
    moved[i].y += margin * (signs[i][0] * right.y + signs[i][1] * down.y);
  }
  return moved;
}

bool contains(const Quad& quad, Point point) {
  for (size_t i = 0; i < 4; ++i) {
    if (cross(quad[i], quad[(i + 1) % 4], point) < -1e-9) return false;
  }
  return true;
}

}  // namespace verge::serve
