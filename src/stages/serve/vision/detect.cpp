#include <cmath>

#include <verge/stages/serve/vision/detect.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kMostFinal = 1000;
constexpr size_t kMostCandidates = 30000;

class HeadReader {
 public:
  HeadReader(const Head& head, std::span<const float> values) : head_(head), values_(values) {
    values_a_box_ = head.kind == HeadKind::Final ? 6 : first_class() + head.classes;
  }

  Detection box(int64_t i) const {
    if (head_.kind == HeadKind::Final) {
      return {at(i, 0), at(i, 1), at(i, 2), at(i, 3), std::llround(at(i, 5)), at(i, 4)};
    }
    Detection best;
    const double object = head_.kind == HeadKind::Objectness ? at(i, 4) : 1;
    for (int64_t c = 0; c < head_.classes; ++c) {
      const double score = object * at(i, first_class() + c);
      if (score > best.confidence) {
        best.confidence = score;
        best.index = c;
      }
    }
    const double width = at(i, 2) / 2, height = at(i, 3) / 2;
    best.left = at(i, 0) - width;
    best.right = at(i, 0) + width;
    best.top = at(i, 1) - height;
    best.bottom = at(i, 1) + height;
    return best;
  }

 private:
  int64_t first_class() const { return head_.kind == HeadKind::Objectness ? 5 : 4; }
  double at(int64_t box, int64_t value) const {
    const int64_t i =
        head_.kind == HeadKind::Columns ? value * head_.boxes + box : box * values_a_box_ + value;
    return values_[static_cast<size_t>(i)];
  }

  const Head& head_;
  std::span<const float> values_;
  int64_t values_a_box_ = 0;
};

bool is_box(const Detection& box) {
  return std::isfinite(box.left) && std::isfinite(box.right) && std::isfinite(box.top) &&
         std::isfinite(box.bottom) && box.right > box.left && box.bottom > box.top;
}

double area_of(const Detection& box) {
  return (box.right - box.left) * (box.bottom - box.top);
}

}  // namespace

Result<Head> head_of(int64_t rows, int64_t columns, int64_t classes) {
  const auto is = [&](int64_t extent, int64_t extra) {
    return classes > 0 && extent == classes + extra;
  };
  if (is(rows, 4)) return Head{HeadKind::Columns, columns, classes};
  if (is(columns, 5)) return Head{HeadKind::Objectness, rows, classes};
  if (columns == 6 && rows <= kMostFinal) return Head{HeadKind::Final, rows, classes};
  if (is(columns, 4)) return Head{HeadKind::Rows, rows, classes};
  if (classes == 0 && rows < columns && rows > 4) {
    return Head{HeadKind::Columns, columns, rows - 4};
  }
  if (classes == 0 && columns < rows && columns > 5) {
    return Head{HeadKind::Objectness, rows, columns - 5};
  }
  return make_error(Code::Unsupported,
                    "an output of {} x {} with {} labels is no head of a detector: [boxes, 5 + "
                    "classes], [4 + classes, boxes], [boxes, 4 + classes] or [boxes, 6]",
                    rows, columns, classes);
}

std::vector<Detection> detections_of(const Head& head, std::span<const float> values,
                                     const DetectionOptions& options) {
  const HeadReader reader(head, values);
  std::vector<Detection> found;
  for (int64_t i = 0; i < head.boxes; ++i) {
    const Detection box = reader.box(i);
    if (box.confidence >= options.confidence && is_box(box)) found.push_back(box);
  }
  if (head.kind != HeadKind::Final) return suppress(std::move(found), options);
  std::ranges::stable_sort(found, std::greater(), &Detection::confidence);
  found.resize(std::min(found.size(), static_cast<size_t>(options.most)));
  return found;
}

double intersection_over_union(const Detection& a, const Detection& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double shared = width * height;
  return shared / (area_of(a) + area_of(b) - shared);
}

std::vector<Detection> suppress(std::vector<Detection> boxes, const DetectionOptions& options) {
  std::ranges::stable_sort(boxes, std::greater(), &Detection::confidence);
  boxes.resize(std::min(boxes.size(), kMostCandidates));
  std::vector<Detection> kept;
  for (const Detection& box : boxes) {
    if (std::ssize(kept) == options.most) break;
    const bool is_covered = std::ranges::any_of(kept, [&](const Detection& surer) {
      return surer.index == box.index && intersection_over_union(surer, box) > options.iou;
    });
    if (!is_covered) kept.push_back(box);
  }
  return kept;
}

std::vector<Detection> in_picture(std::vector<Detection> boxes, const Placement& placement,
                                  int64_t height, int64_t width) {
  const auto cut = [](double value, int64_t extent) {
    return std::min(std::max(value, 0.0), static_cast<double>(extent));
  };
  for (Detection& box : boxes) {
    const Point first = placement.in_picture({box.left, box.top});
    const Point last = placement.in_picture({box.right, box.bottom});
    box = {cut(first.x, width), cut(first.y, height), cut(last.x, width), cut(last.y, height),
           box.index,           box.confidence};
  }
  std::erase_if(boxes, [](const Detection& box) { return !is_box(box); });
  return boxes;
}

}  // namespace verge::serve
