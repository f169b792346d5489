// The gradient of attention. With p = exp(q k^T * scale - lse): dv = p^T do;
// ds = p * (do v^T - sum(do o)); dq = scale * ds k; dk = scale * ds^T q. Dao et al. 2022, appendix
// B.

#include <cmath>

#include <verge/engine/graph/attention_rows.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: q, k, v, o, lse of attention, and do like q; attributes of attention.
// Outputs: dq, dk, dv.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(6));
  VERGE_RETURN_IF_ERROR(expect_attention_shapes(context));
  const Dims& q = context.dims(0);
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "o", q));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 4, "lse", {q[0], q[2], q[1]}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 5, "do", q));
  const DType dtype = compute_dtype(context.type(0).dtype);
  context.outputs = {{dtype, q}, {dtype, context.dims(1)}, {dtype, context.dims(1)}};
  return {};
}

Cost cost(const KernelCall& call) {
  const double visible = visible_pairs(call);
  return {10 * visible * static_cast<double>(call.in(0).shape[3]),
          static_cast<double>(call.in(0).bytes() * 4 + call.in(1).bytes() * 4)};
}

void reference(const KernelCall& call) {
  const AttentionRows rows(call);
  const std::vector<double> q = load(call.in(0)), k = load(call.in(1)), v = load(call.in(2));
  const std::vector<double> o = load(call.in(3)), lse = load(call.in(4)), d_o = load(call.in(5));
  std::vector<double> dq(q.size()), dk(k.size()), dv(v.size());
  rows.for_each_query([&](const AttentionQuery& query) {
    const double dot_o = rows.dot(d_o, query.q_row, o, query.q_row);
    for (size_t j = query.first; j < query.last; ++j) {
      const size_t row = query.kv_row(j);
      const double score = rows.scale() * rows.dot(q, query.q_row, k, row);
      const double p = std::exp(score - lse[query.lse]);
      const double ds = p * (rows.dot(d_o, query.q_row, v, row) - dot_o) * rows.scale();
      rows.add(dv, row, p, d_o, query.q_row);
      rows.add(dq, query.q_row, ds, k, row);
      rows.add(dk, row, ds, q, query.q_row);
    }
  });
  store_wanted(call, 0, dq);
  store_wanted(call, 1, dk);
  store_wanted(call, 2, dv);
}

}  // namespace

OpDef attention_grad() {
  return {.name = "attention_grad", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
