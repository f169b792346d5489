#pragma once
// Greedy non-maximum suppression of one class: the best boxes by score, none of which overlaps a
// better one too much. As ONNX's NonMaxSuppression says it.

#include <cstdint>
#include <optional>
#include <vector>

namespace verge::graph {

struct BoxRule {
  double iou = 0;                    // boxes that share more than this are one
  std::optional<double> score = {};  // boxes must have more than this
  int64_t most = 0;                  // boxes selected
  bool has_centers = false;          // boxes are x, y, width, height; else two corners y, x
};

/// A box by its sides.
struct Sides {
  double x0, y0, x1, y1;
};
/// Of `count` boxes of four numbers.
std::vector<Sides> sides_of(const double* boxes, int64_t count, bool has_centers);

/// The shared area over that of both; 0 for boxes without area.
double overlap(const Sides& a, const Sides& b);

/// Which boxes stay, the best first, of equal scores the first. A score that is no number never
/// does.
std::vector<int64_t> select_boxes(const std::vector<Sides>& boxes, const double* scores,
                                  const BoxRule& rule);

}  // namespace verge::graph
