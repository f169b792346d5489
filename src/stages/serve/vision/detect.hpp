#pragma once
// What a detector of YOLO's kind says (Redmon et al. 2016, as Ultralytics exports it): boxes with
// classes, and of those that overlap the surest.

#include <span>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/stages/serve/vision/preprocess.hpp>

namespace verge::serve {

struct Detection {
  double left = 0, top = 0, right = 0, bottom = 0;  // in pixels
  int64_t index = 0;                                // of the class
  double confidence = 0;
};

/// How the output is laid out. Coordinates are pixels of the input.
enum class HeadKind {
  Objectness,  // [boxes, 5 + classes]: centre, size, objectness, class scores (v3, v5, v7)
  Columns,     // [4 + classes, boxes]: centre, size, class scores (v8, v9, v11)
  Rows,        // the same, [boxes, 4 + classes]
  Final,       // [boxes, 6]: corners, confidence, class; nothing overlaps any more (v10)
};

struct Head {
  HeadKind kind = HeadKind::Columns;
  int64_t boxes = 0, classes = 0;
};

/// By the extents behind the batch and, where it is known (0: not), the number of classes. There
/// are more boxes than scores; [boxes, 6] with at most 1000 boxes is Final. Fails with Unsupported.
Result<Head> head_of(int64_t rows, int64_t columns, int64_t classes);

struct DetectionOptions {
  double confidence = 0.25;
  double iou = 0.45;
  int64_t most = 300;
};

/// Those at least as sure as `confidence`, surest first, suppressed, in coordinates of the input.
std::vector<Detection> detections_of(const Head& head, std::span<const float> values,
                                     const DetectionOptions& options);

double intersection_over_union(const Detection& a, const Detection& b);

/// Greedy: a box goes where one of its class that is surer overlaps it by more than options.iou.
/// Neubeck & Van Gool 2006.
std::vector<Detection> suppress(std::vector<Detection> boxes, const DetectionOptions& options);

/// Brought back to a picture of this size, and cut to it; what lies outside is dropped.
std::vector<Detection> in_picture(std::vector<Detection> boxes, const Placement& placement,
                                  int64_t height, int64_t width);

}  // namespace verge::serve
