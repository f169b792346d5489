// The best boxes of each class, none of which overlaps a better one of its class by more than
// {iou}: ONNX's NonMaxSuppression. How many there are is known when it runs: rows beyond are -1,
// which gather reads as the last row. No gradient.

#include <algorithm>

#include <verge/engine/graph/box_selection.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

BoxRule rule_of(const Attrs& attrs) {
  BoxRule rule{.iou = attrs.real("iou"),
               .score = std::nullopt,
               .most = attrs.integer("most"),
               .has_centers = attrs.integer("centers") != 0};
  if (attrs.has("score")) rule.score = attrs.real("score");
  return rule;
}

// Inputs: boxes [batch, n, 4] (corners y0, x0, y1, x1 in either order; with {centers} x, y, width,
// height), scores [batch, classes, n]. Outputs: selected i32 [batch * classes * min(n, {most}), 3]
// (batch, class, box), count i32 [1]. {score}: what a score must exceed, if given.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "boxes", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "scores", 3));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "boxes", 2, 4));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "scores", 0, context.dims(0)[0]));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "scores", 2, context.dims(0)[1]));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "scores", context.type(0).dtype));
  for (const Dim& dim : context.dims(1)) {
    if (!dim.is_constant()) return context.fail("an extent is open");
  }
  const int64_t most = context.node.attrs.integer("most");
  if (most < 1) return context.fail(fmt::format("at most {} boxes are selected", most));
  const Dims& scores = context.dims(1);
  const int64_t rows = std::min(most, scores[2].factor) * scores[1].factor * scores[0].factor;
  context.outputs = {{DType::I32, {rows, 3}}, {DType::I32, {1}}};
  return {};
}

Cost cost(const KernelCall& call) {
  // By what a detector leaves: most scores are below the threshold.
  return {4 * static_cast<double>(call.in(1).shape.count()),
          static_cast<double>(call.in(0).bytes() + call.in(1).bytes() + call.out().bytes())};
}

void reference(const KernelCall& call) {
  const std::vector<double> boxes = load(call.in(0)), scores = load(call.in(1));
  const Shape& shape = call.in(1).shape;
  const int64_t n = shape[2];
  const BoxRule rule = rule_of(call.attrs);
  std::vector<double> rows;
  for (int64_t batch = 0; batch < shape[0]; ++batch) {
    const auto sides = sides_of(&boxes[static_cast<size_t>(batch * n * 4)], n, rule.has_centers);
    for (int64_t c = 0; c < shape[1]; ++c) {
      const double* of_class = &scores[static_cast<size_t>((batch * shape[1] + c) * n)];
      for (int64_t box : select_boxes(sides, of_class, rule)) {
        for (int64_t value : {batch, c, box}) rows.push_back(static_cast<double>(value));
      }
    }
  }
  store_wanted(call, 1, {static_cast<double>(rows.size() / 3)});
  const int64_t most = std::min(rule.most, n) * shape[1] * shape[0];
  rows.resize(static_cast<size_t>(3 * most), -1);
  store_wanted(call, 0, rows);
}

}  // namespace

OpDef non_max_suppression() {
  return {.name = "non_max_suppression", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
