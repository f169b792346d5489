#include <algorithm>

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/attention_tile.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {
namespace {

// Half a forward tile: twice as many operands are packed at once.
constexpr int64_t kGradientRows = kTileRows / 2;

struct Sizes {
  explicit Sizes(const DenseAttention& a)
      : dim(a.head_dim),
        group(a.heads / a.kv_heads),
        q_stride(a.q_stride != 0 ? a.q_stride : a.heads * dim),
        kv_stride(a.kv_stride != 0 ? a.kv_stride : a.kv_heads * dim),
        tile_tokens(std::max<int64_t>(kGradientRows / group, 1)) {}
  int64_t dim, group, q_stride, kv_stride, tile_tokens;
};

/// One worker's buffers. Names of packed operands say which side of which product they are.
struct Buffers {
  Buffers(void* base, const TileKernels& tile, const Sizes& s) : scratch(base) {
    const int64_t rows = s.tile_tokens * s.group;
    q = scratch.take<float>(rows * s.dim);
    d_out = scratch.take<float>(rows * s.dim);
    d_q = scratch.take<float>(rows * s.dim);
    log_sum_exp = scratch.take<float>(rows);
    delta = scratch.take<float>(rows);
    p = scratch.take<float>(rows * kKeyBlock);
    d_p = scratch.take<float>(rows * kKeyBlock);
    const auto packed = [&](int64_t lines, int64_t k, int width) {
      return scratch.take<std::byte>(tile.packed_bytes(lines, k, width));
    };
    q_left = packed(rows, s.dim, tile.rows);
    q_right = packed(s.dim, rows, tile.columns);
    d_out_left = packed(rows, s.dim, tile.rows);
    d_out_right = packed(s.dim, rows, tile.columns);
    weights = packed(std::max(rows, kKeyBlock), std::max(rows, kKeyBlock), tile.rows);
    stored = scratch.take<std::byte>(std::max(tile.packed_bytes(kKeyBlock, s.dim, tile.columns),
                                              tile.packed_bytes(s.dim, kKeyBlock, tile.columns)));
  }

  Scratch scratch;
  float *q, *d_out, *d_q, *log_sum_exp, *delta, *p, *d_p;
  std::byte *q_left, *q_right, *d_out_left, *d_out_right, *weights, *stored;
};

/// Tokens [first, last) of one sequence, one kv head with its group.
struct Tile {
  int64_t sequence, kv_head, first, last;
};

/// Gathers the tile's rows (token, head of group) and delta = rowsum(dO * O), and packs them.
void load_tile(Isa isa, const DenseAttentionGradient& g, const Sizes& s, const Tile& t,
               Buffers& b) {
  const DenseAttention& a = g.forward;
  const TileKernels& tile = tile_of(isa, a.compute);
  const int64_t rows = (t.last - t.first) * s.group;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t token = t.sequence * a.tokens + t.first + row / s.group;
    const int64_t head = t.kv_head * s.group + row % s.group;
    const int64_t at = (token * a.heads + head) * s.dim;
    const float* q = a.q + token * s.q_stride + head * s.dim;
    for (int64_t i = 0; i < s.dim; ++i) b.q[row * s.dim + i] = a.scale * q[i];
    std::copy_n(g.d_out + at, s.dim, b.d_out + row * s.dim);
    b.delta[row] = row_kernels(isa).dot(s.dim, g.d_out + at, a.out + at);
    b.log_sum_exp[row] =
        a.log_sum_exp[(t.sequence * a.heads + head) * a.tokens + t.first + row / s.group];
  }
  std::fill_n(b.d_q, rows * s.dim, 0.0f);
  tile.pack(b.q, s.dim, 1, rows, s.dim, tile.rows, b.q_left);
  tile.pack(b.q, 1, s.dim, s.dim, rows, tile.columns, b.q_right);
  tile.pack(b.d_out, s.dim, 1, rows, s.dim, tile.rows, b.d_out_left);
  tile.pack(b.d_out, 1, s.dim, s.dim, rows, tile.columns, b.d_out_right);
}

/// P and dS of the tile against keys [first, first + count), in b.p and b.d_p.
void weigh(Isa isa, const DenseAttention& a, const Sizes& s, const Tile& t, int64_t first,
           int64_t count, const float* k, const float* v, Buffers& b) {
  const TileKernels& tile = tile_of(isa, a.compute);
  const int64_t rows = (t.last - t.first) * s.group;
  tile.pack(k, s.kv_stride, 1, count, s.dim, tile.columns, b.stored);
  multiply_packed(tile, rows, count, s.dim, b.q_left, b.stored, b.p, kKeyBlock, 1, 0);
  tile.pack(v, s.kv_stride, 1, count, s.dim, tile.columns, b.stored);
  multiply_packed(tile, rows, count, s.dim, b.d_out_left, b.stored, b.d_p, kKeyBlock, 1, 0);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t position = t.first + row / s.group;
    const int64_t seen = a.causal ? std::clamp<int64_t>(position + 1 - first, 0, count) : count;
    float* p = b.p + row * kKeyBlock;
    float* d_p = b.d_p + row * kKeyBlock;
    element_kernels(isa).attention_gradient(seen, b.log_sum_exp[row], b.delta[row], p, d_p);
    std::fill(p + seen, p + count, 0.0f);
    std::fill(d_p + seen, d_p + count, 0.0f);
  }
}

/// dV += P^T dO; dK += dS^T (scale Q); dQ += scale dS K, for one block of keys.
void accumulate(Isa isa, const DenseAttentionGradient& g, const Sizes& s, const Tile& t,
                int64_t first, int64_t count, const float* k, Buffers& b) {
  const DenseAttention& a = g.forward;
  const TileKernels& tile = tile_of(isa, a.compute);
  const int64_t rows = (t.last - t.first) * s.group;
  const int64_t out_stride = a.kv_heads * s.dim;
  const int64_t out = (t.sequence * a.tokens + first) * out_stride + t.kv_head * s.dim;
  tile.pack(b.p, 1, kKeyBlock, count, rows, tile.rows, b.weights);
  multiply_packed(tile, count, s.dim, rows, b.weights, b.d_out_right, g.d_v + out, out_stride, 1,
                  1);
  tile.pack(b.d_p, 1, kKeyBlock, count, rows, tile.rows, b.weights);
  multiply_packed(tile, count, s.dim, rows, b.weights, b.q_right, g.d_k + out, out_stride, 1, 1);
  tile.pack(b.d_p, kKeyBlock, 1, rows, count, tile.rows, b.weights);
  tile.pack(k, 1, s.kv_stride, s.dim, count, tile.columns, b.stored);
  multiply_packed(tile, rows, s.dim, count, b.weights, b.stored, b.d_q, s.dim, a.scale, 1);
}

void backward_of_head(Isa isa, const DenseAttentionGradient& g, const Sizes& s, int64_t sequence,
                      int64_t kv_head, Buffers& b) {
  const DenseAttention& a = g.forward;
  for (int64_t token = sequence * a.tokens; token < (sequence + 1) * a.tokens; ++token) {
    const int64_t at = (token * a.kv_heads + kv_head) * s.dim;
    std::fill_n(g.d_k + at, s.dim, 0.0f);
    std::fill_n(g.d_v + at, s.dim, 0.0f);
  }
  for (int64_t token = 0; token < a.tokens; token += s.tile_tokens) {
    const Tile t{sequence, kv_head, token, std::min(token + s.tile_tokens, a.tokens)};
    load_tile(isa, g, s, t, b);
    const int64_t seen = a.causal ? t.last : a.tokens;
    for (int64_t first = 0; first < seen; first += kKeyBlock) {
      const int64_t count = std::min(kKeyBlock, seen - first);
      const int64_t at = (sequence * a.tokens + first) * s.kv_stride + kv_head * s.dim;
      weigh(isa, a, s, t, first, count, a.k + at, a.v + at, b);
      accumulate(isa, g, s, t, first, count, a.k + at, b);
    }
    for (int64_t row = 0; row < (t.last - t.first) * s.group; ++row) {
      const int64_t at = (sequence * a.tokens + t.first + row / s.group) * a.heads +
                         kv_head * s.group + row % s.group;
      std::copy_n(b.d_q + row * s.dim, s.dim, g.d_q + at * s.dim);
    }
  }
}

}  // namespace

size_t dense_attention_backward_workspace_bytes(Isa isa, const DenseAttention& a, int threads) {
  const Buffers counted(nullptr, tile_of(isa, a.compute), Sizes(a));
  return static_cast<size_t>(threads * counted.scratch.used());
}

void dense_attention_backward(Isa isa, const DenseAttentionGradient& g, void* workspace,
                              Worker& worker) {
  const DenseAttention& a = g.forward;
  const Sizes sizes(a);
  const int64_t bytes = Buffers(nullptr, tile_of(isa, a.compute), sizes).scratch.used();
  Buffers buffers(static_cast<std::byte*>(workspace) + worker.index() * bytes,
                  tile_of(isa, a.compute), sizes);
  for (int64_t i = worker.claim(); i < a.batch * a.kv_heads; i = worker.claim()) {
    backward_of_head(isa, g, sizes, i / a.kv_heads, i % a.kv_heads, buffers);
  }
}

}  // namespace verge::kernels
