// Scratch memory is sized once, at the upper bounds of a call; every smaller call must fit in it.

#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/gemm.hpp>

#include "random_data.hpp"

namespace verge::kernels {
namespace {

constexpr int kRounds = 2000;

// Random in [1, bound], often near powers of two, where blocks change their number.
int64_t extent(Rng& rng, int64_t bound) {
  const int64_t near = (int64_t{1} << rng.below(12)) + rng.below(3) - 1;
  return std::clamp<int64_t>(rng.below(2) == 0 ? near : 1 + rng.below(5000), 1, bound);
}

TEST(WorkspaceBytes, OfGemmNeverGrowWhenExtentsShrink) {
  Rng rng(1);
  for (int round = 0; round < kRounds; ++round) {
    const int64_t m = extent(rng, 5000), n = extent(rng, 5000), k = extent(rng, 5000);
    for (const Compute compute : {Compute::F32, Compute::Bf16}) {
      const Gemm bound{.m = m, .n = n, .k = k, .compute = compute};
      const Gemm call{
          .m = extent(rng, m), .n = extent(rng, n), .k = extent(rng, k), .compute = compute};
      for (const Isa isa : machine_isas()) {
        ASSERT_LE(gemm_workspace_bytes(isa, call), gemm_workspace_bytes(isa, bound))
            << call.m << " x " << call.n << " x " << call.k << " in " << m << " x " << n << " x "
            << k;
      }
    }
  }
}

TEST(WorkspaceBytes, OfAttentionNeverGrowWhenExtentsShrink) {
  Rng rng(2);
  for (int round = 0; round < kRounds; ++round) {
    DenseAttention bound{.batch = 1 + rng.below(4),
                         .tokens = extent(rng, 600),
                         .heads = 4,
                         .kv_heads = 2,
                         .head_dim = 32};
    DenseAttention call = bound;
    call.batch = extent(rng, bound.batch), call.tokens = extent(rng, bound.tokens);
    const KvLayout layout{DType::F16, 2, 32, 32};
    const int64_t rows = extent(rng, 600), sequences = std::min<int64_t>(rows, 1 + rng.below(8));
    const int64_t fewer = extent(rng, rows), those = extent(rng, std::min(fewer, sequences));
    for (const Isa isa : machine_isas()) {
      ASSERT_LE(dense_attention_workspace_bytes(isa, call, 2),
                dense_attention_workspace_bytes(isa, bound, 2));
      ASSERT_LE(dense_attention_backward_workspace_bytes(isa, call, 2),
                dense_attention_backward_workspace_bytes(isa, bound, 2));
      ASSERT_LE(paged_attention_workspace_bytes(isa, layout, 4, fewer, those, 2),
                paged_attention_workspace_bytes(isa, layout, 4, rows, sequences, 2));
    }
  }
}

TEST(WorkspaceBytes, OfConvolutionsNeverGrowWithASmallerBatch) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    Conv2d bound{.batch = extent(rng, 64),
                 .in_channels = extent(rng, 40),
                 .in_height = 3 + rng.below(30),
                 .in_width = 3 + rng.below(30)};
    bound.out_channels = extent(rng, 40);
    bound.kernel_height = bound.kernel_width = 1 + 2 * rng.below(2);
    bound.stride_height = 1 + rng.below(2);
    Conv2d call = bound;
    call.batch = extent(rng, bound.batch);
    for (const Isa isa : machine_isas()) {
      ASSERT_LE(conv2d_workspace_bytes(isa, call, 2), conv2d_workspace_bytes(isa, bound, 2))
          << call.batch << " of " << bound.batch;
      ASSERT_LE(conv2d_packed_workspace_bytes(isa, call, 2),
                conv2d_packed_workspace_bytes(isa, bound, 2));
      if (!winograd_fits(bound)) continue;
      for (const int m : {2, 4}) {
        ASSERT_LE(winograd_workspace_bytes(isa, call, m, 2),
                  winograd_workspace_bytes(isa, bound, m, 2));
      }
    }
  }
}

}  // namespace
}  // namespace verge::kernels
