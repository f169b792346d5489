#include <algorithm>
#include <cmath>
#include <limits>

#include <verge/engine/kernels/attention_tile.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

/// Online softmax of one row of scores over keys [first, first + count): the row becomes weights,
/// and what was summed before is scaled to the new maximum.
void soften_row(const RowKernels& kernels, TileBuffers& b, int64_t row, int64_t head_dim,
                int64_t first, int64_t count, float soft_cap) {
  float* scores = b.scores + row * kKeyBlock;
  const int64_t from = std::clamp<int64_t>(b.spans[row].first - first, 0, count);
  const int64_t to = std::clamp<int64_t>(b.spans[row].last - first, from, count);
  std::fill(scores, scores + from, 0.0f);
  std::fill(scores + to, scores + count, 0.0f);
  if (from == to) return;
  if (soft_cap > 0) kernels.soft_cap(to - from, soft_cap, scores + from);
  const float max = std::max(b.max[row], kernels.max(to - from, scores + from));
  if (max > b.max[row]) {
    const float factor = std::exp(b.max[row] - max);
    b.max[row] = max;
    b.sum[row] *= factor;
    kernels.scale(head_dim, factor, b.acc + row * head_dim);
  }
  b.sum[row] += kernels.exp_sum(to - from, max, scores + from);
}

}  // namespace

TileBuffers::TileBuffers(Scratch& scratch, const TileKernels& kernels, int64_t rows,
                         int64_t head_dim)
    : tile(kernels),
      q(scratch.take<float>(rows * head_dim)),
      acc(scratch.take<float>(rows * head_dim)),
      max(scratch.take<float>(rows)),
      sum(scratch.take<float>(rows)),
      spans(scratch.take<Span>(rows)),
      scores(scratch.take<float>(rows * kKeyBlock)),
      stored(scratch.take<float>(kKeyBlock * head_dim)),
      packed_q(scratch.take<std::byte>(tile.packed_bytes(rows, head_dim, tile.rows))),
      packed_kv(
          scratch.take<std::byte>(std::max(tile.packed_bytes(kKeyBlock, head_dim, tile.columns),
                                           tile.packed_bytes(head_dim, kKeyBlock, tile.columns)))),
      packed_p(scratch.take<std::byte>(tile.packed_bytes(rows, kKeyBlock, tile.rows))) {}

void attend_tile(Isa isa, TileBuffers& b, int64_t rows, int64_t head_dim, float soft_cap,
                 const KeySource& source) {
  const TileKernels& tile = b.tile;
  const RowKernels& kernels = row_kernels(isa);
  std::fill(b.acc, b.acc + rows * head_dim, 0.0f);
  std::fill(b.max, b.max + rows, kNothing);
  std::fill(b.sum, b.sum + rows, 0.0f);
  tile.pack(b.q, head_dim, 1, rows, head_dim, tile.rows, b.packed_q);
  Span all = b.spans[0];
  for (int64_t row = 1; row < rows; ++row) {
    all = {std::min(all.first, b.spans[row].first), std::max(all.last, b.spans[row].last)};
  }
  // Blocks begin at the same keys in every tile, so that a row's sums have one order wherever tiles
  // are cut; what a row does not see weighs nothing.
  for (int64_t first = all.first - all.first % kKeyBlock; first < all.last; first += kKeyBlock) {
    const int64_t count = std::min(kKeyBlock, all.last - first);
    const Rows keys = source.keys(source.context, first, count, b.stored);
    tile.pack(keys.data, keys.stride, 1, count, head_dim, tile.columns, b.packed_kv);
    // The rows that see nothing of this block, in whole panels.
    int64_t from = 0;
    while (b.spans[from].last <= first) ++from;
    from -= from % tile.rows;
    multiply_packed(
        tile, rows - from, count, head_dim,
        static_cast<std::byte*>(b.packed_q) + tile.packed_bytes(from, head_dim, tile.rows),
        b.packed_kv, b.scores + from * kKeyBlock, kKeyBlock, 1, 0);
    for (int64_t row = from; row < rows; ++row) {
      soften_row(kernels, b, row, head_dim, first, count, soft_cap);
    }
    tile.pack(b.scores + from * kKeyBlock, kKeyBlock, 1, rows - from, count, tile.rows, b.packed_p);
    const Rows values = source.values(source.context, first, count, b.stored);
    tile.pack(values.data, 1, values.stride, head_dim, count, tile.columns, b.packed_kv);
    multiply_packed(tile, rows - from, head_dim, count, b.packed_p, b.packed_kv,
                    b.acc + from * head_dim, head_dim, 1, 1);
  }
}

}  // namespace verge::kernels
