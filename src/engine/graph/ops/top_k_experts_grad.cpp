// dlogits of top_k_experts from the gradient of the weights. The choice of experts is taken as
// fixed. With scores s, chosen sum z, and weights w = s / z: ds = (dw - sum(w dw)) / z.

#include <algorithm>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: router_logits [tokens, experts], ids i32 [tokens, k], dweights [tokens, k].
// Output like the logits. Attributes as of top_k_experts.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "router_logits", 2));
  const Dims chosen = {context.dims(0)[0], context.node.attrs.integer("k")};
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "ids", chosen));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "dweights", chosen));
  context.outputs = {{compute_dtype(context.type(0).dtype), context.dims(0)}};
  return {};
}

// Turns d(normalized weights) into d(scores), in place.
void undo_normalization(const std::vector<double>& chosen, std::vector<double>& grads) {
  double sum = 0, dot = 0;
  for (double score : chosen) sum += score;
  for (size_t i = 0; i < chosen.size(); ++i) dot += chosen[i] / sum * grads[i];
  for (double& grad : grads) grad = (grad - dot) / sum;
}

// dlogits of one token from its logits, chosen experts and d(weights).
std::vector<double> token_gradient(std::vector<double> scores, const double* ids,
                                   std::vector<double> grads, const Attrs& attrs) {
  const bool sigmoid_gate = attrs.text("gate", "softmax") == "sigmoid";
  if (sigmoid_gate) {
    std::ranges::transform(scores, scores.begin(), sigmoid_of);
  } else {
    softmax_row(scores);
  }
  std::vector<double> chosen;
  for (size_t i = 0; i < grads.size(); ++i) chosen.push_back(scores[static_cast<size_t>(ids[i])]);
  if (attrs.integer("normalize") != 0) undo_normalization(chosen, grads);
  std::vector<double> dscores(scores.size());
  for (size_t i = 0; i < grads.size(); ++i) dscores[static_cast<size_t>(ids[i])] = grads[i];
  double dot = 0;
  for (size_t i = 0; i < scores.size(); ++i) dot += scores[i] * dscores[i];
  for (size_t i = 0; i < scores.size(); ++i) {
    dscores[i] = scores[i] * (sigmoid_gate ? dscores[i] * (1 - scores[i]) : dscores[i] - dot);
  }
  return dscores;
}

void reference(const KernelCall& call) {
  const std::vector<double> logits = load(call.in(0)), ids = load(call.in(1));
  const std::vector<double> dweights = load(call.in(2));
  const auto experts = static_cast<size_t>(call.in(0).shape[1]);
  const auto k = static_cast<size_t>(call.in(1).shape[1]);
  std::vector<double> dlogits;
  for (size_t token = 0; token < logits.size() / experts; ++token) {
    const auto row =
        token_gradient({logits.begin() + static_cast<ptrdiff_t>(token * experts),
                        logits.begin() + static_cast<ptrdiff_t>((token + 1) * experts)},
                       ids.data() + token * k,
                       {dweights.begin() + static_cast<ptrdiff_t>(token * k),
                        dweights.begin() + static_cast<ptrdiff_t>((token + 1) * k)},
                       call.attrs);
    dlogits.insert(dlogits.end(), row.begin(), row.end());
  }
  store(call.out(), dlogits);
}

}  // namespace

OpDef top_k_experts_grad() {
  return {.name = "top_k_experts_grad", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
