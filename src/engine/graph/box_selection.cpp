#include <algorithm>
#include <cmath>
#include <functional>

#include <verge/engine/graph/box_selection.hpp>

namespace verge::graph {

std::vector<Sides> sides_of(const double* boxes, int64_t count, bool has_centers) {
  std::vector<Sides> sides;
  sides.reserve(static_cast<size_t>(count));
  for (const double* box = boxes; box != boxes + 4 * count; box += 4) {
    if (has_centers) {
      const double x = box[2] / 2, y = box[3] / 2;
      sides.push_back({box[0] - x, box[1] - y, box[0] + x, box[1] + y});
    } else {
      sides.push_back({std::min(box[1], box[3]), std::min(box[0], box[2]), std::max(box[1], box[3]),
                       std::max(box[0], box[2])});
    }
  }
  return sides;
}

double overlap(const Sides& a, const Sides& b) {
  const double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const double height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const double area_a = (a.x1 - a.x0) * (a.y1 - a.y0), area_b = (b.x1 - b.x0) * (b.y1 - b.y0);
  if (!(width > 0 && height > 0 && area_a > 0 && area_b > 0)) return 0;
  return width * height / (area_a + area_b - width * height);
}

std::vector<int64_t> select_boxes(const std::vector<Sides>& boxes, const double* scores,
                                  const BoxRule& rule) {
  std::vector<int64_t> candidates, selected;
  for (int64_t i = 0; i < static_cast<int64_t>(boxes.size()); ++i) {
    if (rule.score ? scores[i] > *rule.score : !std::isnan(scores[i])) candidates.push_back(i);
  }
  std::ranges::stable_sort(candidates, std::greater{}, [&](int64_t i) { return scores[i]; });
  for (int64_t candidate : candidates) {
    if (static_cast<int64_t>(selected.size()) >= rule.most) break;
    const Sides& box = boxes[static_cast<size_t>(candidate)];
    const bool is_taken = std::ranges::any_of(selected, [&](int64_t better) {
      return overlap(boxes[static_cast<size_t>(better)], box) > rule.iou;
    });
    if (!is_taken) selected.push_back(candidate);
  }
  return selected;
}

}  // namespace verge::graph
