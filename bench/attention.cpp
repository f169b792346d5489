// bench_attention: paged attention at decode (GB/s of cache read) and prefill, and dense attention
// with its gradient (GFLOP/s). Medians of seven runs after a warm-up.
//   bench_attention [threads]

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/attention.hpp>

#include "timing.hpp"

using namespace verge;
using namespace verge::bench;
using namespace verge::kernels;

namespace {

template <typename Body>
double seconds_of(ThreadPool& pool, Body body) {
  return median_seconds([&] { pool.run(body); });
}

void run_paged(DType dtype, int64_t heads, int64_t kv_heads, int64_t dim, int64_t context,
               int64_t tokens, ThreadPool& pool) {
  const KvLayout layout{dtype, kv_heads, dim, 32};
  const int64_t pages = layout.pages_for(context);
  std::vector<int32_t> table(pages);
  std::iota(table.begin(), table.end(), 0);
  std::vector<std::byte> cache(pages * layout.page_bytes());
  const auto kv = random_floats(context * kv_heads * dim);
  const KvSequence whole{table.data(), context, 0, context};
  pool.run([&](Worker& worker) {
    kv_append(best_isa(), layout, cache.data(), &whole, 1, kv.data(), kv_heads * dim, kv.data(),
              kv_heads * dim, worker);
  });
  const KvSequence sequence{table.data(), context, 0, tokens};
  const auto q = random_floats(tokens * heads * dim);
  std::vector<float> out(q.size());
  const PagedAttention attention{layout,     cache.data(),
                                 &sequence,  1,
                                 heads,      1 / std::sqrt(static_cast<float>(dim)),
                                 0,          0,
                                 q.data(),   heads * dim,
                                 out.data(), heads * dim};
  const AlignedBuffer workspace = allocate_aligned(
      paged_attention_workspace_bytes(best_isa(), layout, heads, tokens, 1, pool.size()));
  const double seconds = seconds_of(pool, [&](Worker& worker) {
    paged_attention(best_isa(), attention, workspace.get(), worker);
  });
  const auto seen = static_cast<double>(tokens) * (context - tokens / 2.0);
  std::printf(
      "%-4s heads %2ld/%ld dim %3ld context %5ld tokens %3ld: %8.3f ms  %5.1f GB/s  %6.1f "
      "GFLOP/s\n",
      std::string(name(dtype)).c_str(), heads, kv_heads, dim, context, tokens, seconds * 1e3,
      static_cast<double>(cache.size()) / seconds * 1e-9, 4e-9 * heads * dim * seen / seconds);
}

void run_dense(int64_t batch, int64_t tokens, int64_t heads, int64_t kv_heads, int64_t dim,
               ThreadPool& pool) {
  const auto q = random_floats(batch * tokens * heads * dim);
  const auto kv = random_floats(batch * tokens * kv_heads * dim);
  std::vector<float> out(q.size()), lse(batch * heads * tokens), d_q(q.size()), d_k(kv.size()),
      d_v(kv.size());
  const DenseAttention a{
      batch, tokens,   heads,     kv_heads,  dim,        1 / std::sqrt(static_cast<float>(dim)),
      true,  q.data(), kv.data(), kv.data(), out.data(), lse.data(),
      0,     0};
  const AlignedBuffer workspace = allocate_aligned(
      std::max(dense_attention_workspace_bytes(best_isa(), a, pool.size()),
               dense_attention_backward_workspace_bytes(best_isa(), a, pool.size())));
  const double forward = seconds_of(
      pool, [&](Worker& worker) { dense_attention(best_isa(), a, workspace.get(), worker); });
  const double backward = seconds_of(pool, [&](Worker& worker) {
    dense_attention_backward(best_isa(), {a, q.data(), d_q.data(), d_k.data(), d_v.data()},
                             workspace.get(), worker);
  });
  const double giga = 2e-9 * batch * heads * dim * tokens * tokens;
  std::printf(
      "dense batch %ld tokens %4ld heads %2ld/%ld dim %3ld: forward %6.1f  backward %6.1f "
      "GFLOP/s (half of the square)\n",
      batch, tokens, heads, kv_heads, dim, giga / forward, 2.5 * giga / backward);
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 2);
  for (DType dtype : {DType::F16, DType::BF16, DType::Q8_0, DType::F32}) {
    run_paged(dtype, 32, 8, 128, 16384, 1, pool);
  }
  run_paged(DType::F16, 32, 32, 64, 16384, 1, pool);
  run_paged(DType::F16, 32, 4, 64, 16384, 1, pool);
  run_paged(DType::F16, 9, 3, 64, 2048, 1, pool);
  run_paged(DType::F16, 32, 8, 128, 512, 512, pool);
  run_paged(DType::F16, 32, 8, 128, 8192, 512, pool);
  run_paged(DType::F16, 9, 3, 64, 512, 512, pool);
  run_dense(4, 256, 8, 8, 32, pool);
  run_dense(4, 256, 8, 4, 64, pool);
  run_dense(4, 1024, 8, 2, 64, pool);
}
