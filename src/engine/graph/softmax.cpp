#include <algorithm>
#include <cmath>

#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph {

Status infer_last_axis(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  const int64_t axis = context.node.attrs.integer("axis", -1);
  if (from_front(axis, context.dims(0).size()) != context.rank(0) - 1) {
    return context.fail(fmt::format("axis {} is not the last one; transpose first", axis));
  }
  return infer_like_input(context);
}

double softmax_row(std::vector<double>& scores) {
  const double largest = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
  return largest + std::log(sum);
}

}  // namespace verge::graph
