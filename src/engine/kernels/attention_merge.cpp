#include <algorithm>
#include <cmath>
#include <limits>

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {

void merge_attention(Isa isa, int64_t head_dim, AttentionPart& into, const AttentionPart& other) {
  if (other.sum == 0) return;
  const RowKernels& kernels = row_kernels(isa);
  const float max = std::max(into.max, other.max);
  const float keep = into.sum == 0 ? 0.0f : std::exp(into.max - max);
  const float add = std::exp(other.max - max);
  if (keep != 1) kernels.scale(head_dim, keep, into.acc);
  kernels.axpy(head_dim, add, other.acc, into.acc);
  into.sum = into.sum * keep + other.sum * add;
  into.max = max;
}

void finish_attention(Isa isa, int64_t head_dim, const AttentionPart& part, float* out) {
  if (out != part.acc) std::copy(part.acc, part.acc + head_dim, out);
  row_kernels(isa).scale(head_dim, part.sum == 0 ? 0.0f : 1.0f / part.sum, out);
}

}  // namespace verge::kernels
