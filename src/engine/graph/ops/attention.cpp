// o = softmax(q k^T * scale) v over whole sequences with grouped heads, for training. Vaswani et
// al. 2017; grouping: Ainslie et al. 2023. The log of each row's exponential sum is kept, so that
// the gradient can make the probabilities again instead of storing them (Dao et al. 2022).

#include <verge/engine/graph/attention_rows.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: q [batch, tokens, heads, head_dim], k [batch, tokens, kv_heads, head_dim], v like k.
// Outputs: o like q, lse [batch, heads, tokens].
// {scale, causal, window}: token i sees j <= i if causal, and |i - j| < window if that is not 0.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_attention_shapes(context));
  const Dims& q = context.dims(0);
  const DType dtype = compute_dtype(context.type(0).dtype);
  context.outputs = {{dtype, q}, {dtype, {q[0], q[2], q[1]}}};
  return {};
}

// Needs q, k, v, o and lse.
void gradient(GradientContext& context) {
  const std::vector<ValueId> grads =
      context.builder.op_all("attention_grad",
                             {context.input(0), context.input(1), context.input(2),
                              context.output(0), context.output(1), context.grad()},
                             context.node.attrs);
  if (grads.empty()) return;
  for (size_t i = 0; i < 3; ++i) {
    if (context.needs(i)) context.set(i, grads[i]);
  }
}

Cost cost(const KernelCall& call) {
  const double visible = visible_pairs(call);
  return {4 * visible * static_cast<double>(call.in(0).shape[3]),
          static_cast<double>(call.in(0).bytes() * 2 + call.in(1).bytes() * 2)};
}

void reference(const KernelCall& call) {
  const AttentionRows rows(call);
  const std::vector<double> q = load(call.in(0)), k = load(call.in(1)), v = load(call.in(2));
  std::vector<double> o(q.size()), lse(q.size() / rows.head_dim());
  rows.for_each_query([&](const AttentionQuery& query) {
    std::vector<double> scores;
    for (size_t j = query.first; j < query.last; ++j) {
      scores.push_back(rows.scale() * rows.dot(q, query.q_row, k, query.kv_row(j)));
    }
    lse[query.lse] = softmax_row(scores);
    for (size_t j = query.first; j < query.last; ++j) {
      rows.add(o, query.q_row, scores[j - query.first], v, query.kv_row(j));
    }
  });
  store_wanted(call, 0, o);
  store_wanted(call, 1, lse);
}

}  // namespace

OpDef attention() {
  return {.name = "attention",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
