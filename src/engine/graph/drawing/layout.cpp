#include <algorithm>
#include <numeric>

#include <verge/engine/graph/drawing/layout.hpp>

namespace verge::graph {
namespace {

constexpr double kGapX = 26, kGapY = 34, kSegmentGap = 30, kLane = 9;
constexpr int kOrderSweeps = 12, kPlaceSweeps = 60;

// A box, or a place where an edge passes a layer.
struct Point {
  double width, centre = 0;
  size_t layer;
  bool is_lane;
  std::vector<size_t> above, below;
};

class Placer {
 public:
  explicit Placer(Layout& layout) : layout_(layout) {}

  void run() {
    if (layout_.boxes.empty()) return;
    assign_layers();
    add_lanes();
    for (int sweep = 0; sweep < kOrderSweeps; ++sweep) order_layers(sweep % 2 == 0);
    for (const auto& layer : layers_) pack(layer);
    for (int sweep = 0; sweep < kPlaceSweeps; ++sweep) place_layers(sweep);
    write_places();
    write_points();
  }

 private:
  // The longest path from a source within the segment, below all earlier segments.
  void assign_layers() {
    const size_t count = layout_.boxes.size();
    std::vector<std::vector<size_t>> sources(count);
    for (const LayoutEdge& edge : layout_.edges) sources[edge.to].push_back(edge.from);
    size_t base = 0, next = 0;
    for (size_t i = 0; i < count; ++i) {
      const LayoutBox& box = layout_.boxes[i];
      if (i > 0 && box.segment != layout_.boxes[i - 1].segment) {
        base = next;
        segment_starts_.push_back(base);
      }
      size_t layer = base;
      for (size_t from : sources[i]) layer = std::max(layer, points_[from].layer + 1);
      next = std::max(next, layer + 1);
      points_.push_back({box.width, 0, layer, false, {}, {}});
    }
    layers_.resize(next);
    for (size_t i = 0; i < count; ++i) layers_[points_[i].layer].push_back(i);
  }

  // An edge that passes layers gets a narrow point in each.
  void add_lanes() {
    for (const LayoutEdge& edge : layout_.edges) {
      std::vector<size_t> route = {edge.from};
      for (size_t layer = points_[edge.from].layer + 1; layer < points_[edge.to].layer; ++layer) {
        route.push_back(points_.size());
        edge_of_lane_.push_back(routes_.size());
        layers_[layer].push_back(points_.size());
        points_.push_back({kLane, 0, layer, true, {}, {}});
      }
      route.push_back(edge.to);
      for (size_t i = 0; i + 1 < route.size(); ++i) {
        points_[route[i]].below.push_back(route[i + 1]);
        points_[route[i + 1]].above.push_back(route[i]);
      }
      routes_.push_back(std::move(route));
    }
  }

  // Sorts each layer by the mean place of what it joins above (or below).
  void order_layers(bool down) {
    std::vector<double> place(points_.size());
    const auto number = [&](const std::vector<size_t>& layer) {
      for (size_t i = 0; i < layer.size(); ++i) {
        place[layer[i]] = (static_cast<double>(i) + 0.5) / static_cast<double>(layer.size());
      }
    };
    for (const auto& layer : layers_) number(layer);
    for (size_t step = 0; step < layers_.size(); ++step) {
      auto& layer = layers_[down ? step : layers_.size() - 1 - step];
      std::vector<double> key(points_.size());
      for (size_t p : layer) {
        const auto& joined = down ? points_[p].above : points_[p].below;
        double sum = 0;
        for (size_t other : joined) sum += place[other];
        key[p] = joined.empty() ? place[p] : sum / static_cast<double>(joined.size());
      }
      std::ranges::stable_sort(layer, {}, [&](size_t p) { return key[p]; });
      number(layer);
    }
  }

  double distance(size_t left, size_t right) const {
    const bool lanes = points_[left].is_lane && points_[right].is_lane;
    return (points_[left].width + points_[right].width) / 2 + (lanes ? 0 : kGapX);
  }

  void pack(const std::vector<size_t>& layer) {
    for (size_t i = 1; i < layer.size(); ++i) {
      points_[layer[i]].centre = points_[layer[i - 1]].centre + distance(layer[i - 1], layer[i]);
    }
  }

  void place_layers(int sweep) {
    const bool down = sweep % 2 == 0;
    edge_centre_.assign(routes_.size(), 0);
    for (size_t e = 0; e < routes_.size(); ++e) {
      const auto& route = routes_[e];
      for (size_t i = 1; i + 1 < route.size(); ++i) {
        edge_centre_[e] += points_[route[i]].centre / static_cast<double>(route.size() - 2);
      }
    }
    for (size_t step = 0; step < layers_.size(); ++step) {
      place_layer(layers_[down ? step : layers_.size() - 1 - step]);
    }
  }

  // The places nearest to the means of what is joined that keep the distances: with the distances
  // subtracted this is isotonic regression, solved by pooling neighbours that break the order.
  void place_layer(const std::vector<size_t>& layer) {
    struct Pool {
      double sum, weight;
      size_t count;
      double mean() const { return sum / weight; }
    };
    std::vector<Pool> pools;
    double offset = 0;
    for (size_t i = 0; i < layer.size(); ++i) {
      if (i > 0) offset += distance(layer[i - 1], layer[i]);
      const double weight = points_[layer[i]].is_lane ? 4 : 1;  // bends are uglier than shifts
      pools.push_back({(wanted(layer[i]) - offset) * weight, weight, 1});
      while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
        const Pool last = pools.back();
        pools.pop_back();
        pools.back() = {pools.back().sum + last.sum, pools.back().weight + last.weight,
                        pools.back().count + last.count};
      }
    }
    offset = 0;
    size_t i = 0;
    for (const Pool& pool : pools) {
      for (size_t k = 0; k < pool.count; ++k, ++i) {
        if (i > 0) offset += distance(layer[i - 1], layer[i]);
        points_[layer[i]].centre = pool.mean() + offset;
      }
    }
  }

  // A lane wants to be where its whole edge is, so that lines are straight.
  double wanted(size_t p) const {
    const Point& point = points_[p];
    if (point.is_lane) return edge_centre_[edge_of_lane_[p - layout_.boxes.size()]];
    double sum = 0;
    for (size_t other : point.above) sum += points_[other].centre;
    for (size_t other : point.below) sum += points_[other].centre;
    const auto count = static_cast<double>(point.above.size() + point.below.size());
    return count == 0 ? point.centre : sum / count;
  }

  void write_places() {
    double left = 0, right = 0;
    for (const Point& point : points_) {
      left = std::min(left, point.centre - point.width / 2);
      right = std::max(right, point.centre + point.width / 2);
    }
    for (Point& point : points_) point.centre -= left;
    layout_.width = right - left;
    double y = 0;
    for (size_t layer = 0; layer < layers_.size(); ++layer) {
      if (std::ranges::find(segment_starts_, layer) != segment_starts_.end()) y += kSegmentGap;
      double height = 0;
      for (size_t p : layers_[layer]) {
        if (!points_[p].is_lane) height = std::max(height, layout_.boxes[p].height);
      }
      for (size_t p : layers_[layer]) {
        if (points_[p].is_lane) continue;
        layout_.boxes[p].x = points_[p].centre - points_[p].width / 2;
        layout_.boxes[p].y = y;
      }
      layer_top_.push_back(y);
      layer_height_.push_back(height);
      y += height + kGapY;
    }
    layout_.height = y - kGapY;
  }

  // Of the edges at one box, sorted by where they come from, the share of the width at which each
  // ends; in the middle half of it.
  double port(size_t box, const std::vector<size_t>& joined, size_t other) const {
    std::vector<size_t> sorted = joined;
    std::ranges::stable_sort(sorted, {}, [&](size_t p) { return points_[p].centre; });
    const auto at = static_cast<double>(std::ranges::find(sorted, other) - sorted.begin());
    const double share = 0.25 + 0.5 * (at + 0.5) / static_cast<double>(sorted.size());
    return layout_.boxes[box].x + share * layout_.boxes[box].width;
  }

  void write_points() {
    for (size_t e = 0; e < routes_.size(); ++e) {
      const auto& route = routes_[e];
      LayoutEdge& edge = layout_.edges[e];
      const LayoutBox &from = layout_.boxes[edge.from], &to = layout_.boxes[edge.to];
      edge.points.emplace_back(port(edge.from, points_[edge.from].below, route[1]),
                               from.y + from.height);
      const size_t layer = points_[edge.from].layer;
      edge.points.emplace_back(edge.points[0].first, layer_top_[layer] + layer_height_[layer]);
      for (size_t i = 1; i + 1 < route.size(); ++i) {
        const Point& lane = points_[route[i]];
        edge.points.emplace_back(lane.centre, layer_top_[lane.layer]);
        edge.points.emplace_back(lane.centre, layer_top_[lane.layer] + layer_height_[lane.layer]);
      }
      edge.points.emplace_back(port(edge.to, points_[edge.to].above, route[route.size() - 2]),
                               to.y);
    }
  }

  Layout& layout_;
  std::vector<Point> points_;                // boxes first, as in layout_
  std::vector<std::vector<size_t>> layers_;  // points from left to right
  std::vector<std::vector<size_t>> routes_;  // by edge
  std::vector<size_t> edge_of_lane_;         // by lane, which follow the boxes in points_
  std::vector<double> edge_centre_;
  std::vector<size_t> segment_starts_;
  std::vector<double> layer_top_, layer_height_;
};

}  // namespace

void lay_out(Layout& layout) {
  Placer(layout).run();
}

}  // namespace verge::graph
