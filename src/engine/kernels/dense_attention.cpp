#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/attention_tile.hpp>

namespace verge::kernels {
namespace {

struct DenseRows {
  const float* keys;
  const float* values;
  int64_t stride;
};

Rows dense_keys(const void* context, int64_t first, int64_t, float*) {
  const auto& rows = *static_cast<const DenseRows*>(context);
  return {rows.keys + first * rows.stride, rows.stride};
}
Rows dense_values(const void* context, int64_t first, int64_t, float*) {
  const auto& rows = *static_cast<const DenseRows*>(context);
  return {rows.values + first * rows.stride, rows.stride};
}

void dense_tile(Isa isa, const DenseAttention& a, int64_t sequence, int64_t kv_head, int64_t first,
                int64_t last, void* own) {
  const int64_t dim = a.head_dim;
  const int64_t group = a.heads / a.kv_heads;
  const int64_t q_stride = a.q_stride != 0 ? a.q_stride : a.heads * dim;
  const int64_t kv_stride = a.kv_stride != 0 ? a.kv_stride : a.kv_heads * dim;
  Scratch scratch(own);
  TileBuffers buffers(scratch, tile_of(isa, a.compute), (last - first) * group, dim);
  for (int64_t token = first; token < last; ++token) {
    const float* q = a.q + (sequence * a.tokens + token) * q_stride + kv_head * group * dim;
    float* rows = buffers.q + (token - first) * group * dim;
    for (int64_t i = 0; i < group * dim; ++i) rows[i] = a.scale * q[i];
    std::fill_n(buffers.spans + (token - first) * group, group,
                Span{0, a.causal ? token + 1 : a.tokens});
  }
  const int64_t at = sequence * a.tokens * kv_stride + kv_head * dim;
  const DenseRows context{a.k + at, a.v + at, kv_stride};
  attend_tile(isa, buffers, (last - first) * group, dim, 0, {&context, dense_keys, dense_values});
  for (int64_t row = 0; row < (last - first) * group; ++row) {
    const int64_t token = first + row / group;
    const int64_t head = kv_head * group + row % group;
    finish_attention(isa, dim, {buffers.max[row], buffers.sum[row], buffers.acc + row * dim},
                     a.out + ((sequence * a.tokens + token) * a.heads + head) * dim);
    if (a.log_sum_exp == nullptr) continue;
    a.log_sum_exp[(sequence * a.heads + head) * a.tokens + token] =
        buffers.max[row] + std::log(buffers.sum[row]);
  }
}

int64_t tile_tokens(const DenseAttention& a) {
  constexpr int64_t kRows = kTileRows / 2;  // less of a square that causal rows do not see
  return std::max<int64_t>(kRows / (a.heads / a.kv_heads), 1);
}

int64_t bytes_per_worker(Isa isa, const DenseAttention& a) {
  Scratch counter(nullptr);
  TileBuffers(counter, tile_of(isa, a.compute), tile_tokens(a) * (a.heads / a.kv_heads),
              a.head_dim);
  return counter.used();
}

}  // namespace

size_t dense_attention_workspace_bytes(Isa isa, const DenseAttention& a, int threads) {
  return static_cast<size_t>(threads * bytes_per_worker(isa, a));
}

void dense_attention(Isa isa, const DenseAttention& a, void* workspace, Worker& worker) {
  void* own = static_cast<std::byte*>(workspace) + worker.index() * bytes_per_worker(isa, a);
  const int64_t length = tile_tokens(a);
  const int64_t tiles = (a.tokens + length - 1) / length;
  const int64_t total = a.batch * a.kv_heads * tiles;
  for (int64_t i = worker.claim(); i < total; i = worker.claim()) {
    const int64_t first = (tiles - 1 - i % tiles) * length;  // late tiles see most: first
    const int64_t pair = i / tiles;
    dense_tile(isa, a, pair / a.kv_heads, pair % a.kv_heads, first,
               std::min(first + length, a.tokens), own);
  }
}

}  // namespace verge::kernels
