#include <algorithm>

#include <verge/engine/graph/attention_rows.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {

Status expect_attention_shapes(const InferContext& context) {
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "q", 4));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "k", 4));
  const Dims &q = context.dims(0), &k = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "k", {q[0], q[1], k[2], q[3]}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "v", k));
  if (q[2].factor % k[2].factor != 0) {
    return context.fail(
        fmt::format("q has {} heads, no multiple of the {} of k", q[2].factor, k[2].factor));
  }
  return {};
}

double visible_pairs(const KernelCall& call) {
  double pairs = 0;
  AttentionRows(call).for_each_query(
      [&](const AttentionQuery& query) { pairs += static_cast<double>(query.last - query.first); });
  return pairs;
}

AttentionRows::AttentionRows(const KernelCall& call) {
  const Shape& q = call.in(0).shape;
  batch_ = static_cast<size_t>(q[0]);
  tokens_ = static_cast<size_t>(q[1]);
  heads_ = static_cast<size_t>(q[2]);
  head_dim_ = static_cast<size_t>(q[3]);
  kv_heads_ = static_cast<size_t>(call.in(1).shape[2]);
  scale_ = call.attrs.real("scale", 1);
  causal_ = call.attrs.integer("causal") != 0;
  window_ = static_cast<size_t>(call.attrs.integer("window"));
}

double AttentionRows::dot(const std::vector<double>& a, size_t a_row, const std::vector<double>& b,
                          size_t b_row) const {
  double sum = 0;
  for (size_t i = 0; i < head_dim_; ++i) sum += a[a_row * head_dim_ + i] * b[b_row * head_dim_ + i];
  return sum;
}

void AttentionRows::add(std::vector<double>& to, size_t to_row, double factor,
                        const std::vector<double>& from, size_t from_row) const {
  for (size_t i = 0; i < head_dim_; ++i) {
    to[to_row * head_dim_ + i] += factor * from[from_row * head_dim_ + i];
  }
}

AttentionQuery AttentionRows::query(size_t q_row) const {
  const size_t head = q_row % heads_, token = q_row / heads_ % tokens_;
  const size_t batch = q_row / heads_ / tokens_;
  AttentionQuery query;
  query.q_row = q_row;
  query.lse = (batch * heads_ + head) * tokens_ + token;
  query.first = window_ > 0 && token + 1 > window_ ? token + 1 - window_ : 0;
  query.last = causal_ ? token + 1 : tokens_;
  if (window_ > 0) query.last = std::min(query.last, token + window_);
  query.kv_base = batch * tokens_ * kv_heads_ + head / (heads_ / kv_heads_);
  query.kv_heads = kv_heads_;
  return query;
}

}  // namespace verge::graph
