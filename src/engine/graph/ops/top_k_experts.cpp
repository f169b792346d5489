// The router of a mixture of experts: the k experts of largest score for each token, and their
// weights. {gate}: "softmax" over all experts (Shazeer et al. 2017) or "sigmoid" of each
// (DeepSeek-V3, section 2.1.2); {normalize}: the k weights sum to 1. Of equal scores the lower
// expert wins.

#include <algorithm>
#include <numeric>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Input: router_logits [tokens, experts]. Outputs: ids i32 [tokens, k], weights [tokens, k].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "router_logits", 2));
  const int64_t k = context.node.attrs.integer("k");
  if (k < 1 || k > context.dims(0)[1].factor) {
    return context.fail(fmt::format("k is {}, there are {} experts", k,
                                    show_dim(context.graph, context.dims(0)[1])));
  }
  const std::string_view gate = context.node.attrs.text("gate", "softmax");
  if (gate != "softmax" && gate != "sigmoid") {
    return context.fail(fmt::format("gate is \"{}\", not softmax or sigmoid", gate));
  }
  const Dims dims = {context.dims(0)[0], k};
  context.outputs = {{DType::I32, dims}, {compute_dtype(context.type(0).dtype), dims}};
  return {};
}

// Needs the logits and the ids.
void gradient(GradientContext& context) {
  if (context.output_grads[1] == kNone) return;
  context.set(0, context.builder.op("top_k_experts_grad",
                                    {context.input(0), context.output(0), context.grad(1)},
                                    context.node.attrs));
}

void reference(const KernelCall& call) {
  const std::vector<double> logits = load(call.in(0));
  const auto experts = static_cast<size_t>(call.in(0).shape[1]);
  const auto k = static_cast<size_t>(call.attrs.integer("k"));
  const bool sigmoid_gate = call.attrs.text("gate", "softmax") == "sigmoid";
  std::vector<double> ids, weights;
  for (size_t first = 0; first < logits.size(); first += experts) {
    std::vector<double> scores(&logits[first], &logits[first] + experts);
    if (sigmoid_gate) {
      std::ranges::transform(scores, scores.begin(), sigmoid_of);
    } else {
      softmax_row(scores);
    }
    std::vector<size_t> order(experts);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return scores[i]; });
    double sum = 0;
    for (size_t i = 0; i < k; ++i) sum += scores[order[i]];
    const double divisor = call.attrs.integer("normalize") != 0 ? sum : 1;
    for (size_t i = 0; i < k; ++i) {
      ids.push_back(static_cast<double>(order[i]));
      weights.push_back(scores[order[i]] / divisor);
    }
  }
  store_wanted(call, 0, ids);
  store_wanted(call, 1, weights);
}

}  // namespace

OpDef top_k_experts() {
  return {.name = "top_k_experts", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
