#pragma once
// How attention and its gradient walk their tensors: for each query, the keys it sees.

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

/// Inputs 0 to 2 are q [batch, tokens, heads, head_dim] and k, v [batch, tokens, kv_heads,
/// head_dim].
Status expect_attention_shapes(const InferContext& context);
/// Pairs of query and key, over all batches and heads, that are not masked.
double visible_pairs(const KernelCall& call);

/// One token of one head. Rows are vectors of head_dim elements.
struct AttentionQuery {
  size_t q_row;
  size_t lse;    // its place in [batch, heads, tokens]
  size_t first;  // the tokens it sees: [first, last)
  size_t last;
  size_t kv_base;
  size_t kv_heads;

  size_t kv_row(size_t token) const { return kv_base + token * kv_heads; }
};

class AttentionRows {
 public:
  explicit AttentionRows(const KernelCall& call);

  double scale() const { return scale_; }
  size_t head_dim() const { return head_dim_; }
  double dot(const std::vector<double>& a, size_t a_row, const std::vector<double>& b,
             size_t b_row) const;
  /// to[to_row] += factor * from[from_row].
  void add(std::vector<double>& to, size_t to_row, double factor, const std::vector<double>& from,
           size_t from_row) const;

  template <typename F>
  void for_each_query(F f) const {
    for (size_t i = 0; i < batch_ * tokens_ * heads_; ++i) f(query(i));
  }

 private:
  AttentionQuery query(size_t q_row) const;

  size_t batch_, tokens_, heads_, kv_heads_, head_dim_;
  double scale_;
  bool causal_;
  size_t window_;
};

}  // namespace verge::graph
