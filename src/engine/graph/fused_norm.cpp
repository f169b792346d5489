#include <cmath>

#include <verge/engine/graph/fused_norm.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

size_t norm_input(const Node& product) {
  if (product.op->name == "linear") return 4;
  if (product.op->name == "linear_glu") return 3;
  return 1 + 2 * product.outputs.size();
}

Status expect_norm(const InferContext& context, size_t input) {
  if (!context.node.attrs.has("norm_eps")) return {};
  if (!context.has(input)) return context.fail("the weight of the norm is missing");
  return expect_dims(context, input, "norm", {context.dims(0).back()});
}

std::vector<double> load_normalized(const KernelCall& call, size_t norm) {
  std::vector<double> x = load(call.in(0));
  if (!call.attrs.has("norm_eps")) return x;
  const std::vector<double> weight = load(call.in(norm));
  const size_t n = weight.size();
  for (size_t row = 0; row < x.size(); row += n) {
    double squares = 0;
    for (size_t i = row; i < row + n; ++i) squares += x[i] * x[i];
    const double rstd =
        1 / std::sqrt(squares / static_cast<double>(n) + call.attrs.real("norm_eps"));
    for (size_t i = 0; i < n; ++i) x[row + i] *= rstd * weight[i];
  }
  return x;
}

}  // namespace verge::graph
