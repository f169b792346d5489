#pragma once
// Causal grouped-query attention: softmax(Q K^T scale) V (Vaswani et al. 2017; groups: Ainslie et
// al. 2023) by online softmax, so that no row of scores is ever whole in memory (Milakov &
// Gimelshein 2018; Dao et al. 2022). Over a paged cache for prefill and decode, and over dense
// tensors with a backward pass for training. Calling convention: gemm.hpp.
//
//   append the new tokens' keys and values, sync, then attend:
//   kv_append(isa, layout, pool, sequences, count, k, k_stride, v, v_stride, worker);
//   worker.sync();
//   paged_attention(isa, attention, workspace, worker);

#include <cstddef>
#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/isa.hpp>
#include <verge/engine/kernels/kv_layout.hpp>

namespace verge::kernels {

/// Writes k and v of this call's rows, [rows, kv_heads, head_dim] f32 with `stride` floats from row
/// to row, into their pages, rounded to the layout's dtype.
void kv_append(Isa isa, const KvLayout& layout, void* pool, const KvSequence* sequences,
               int64_t sequence_count, const float* k, int64_t k_stride, const float* v,
               int64_t v_stride, Worker& worker);

struct PagedAttention {
  KvLayout layout;
  const void* pool = nullptr;  // pages of this layer
  const KvSequence* sequences = nullptr;
  int64_t sequence_count = 0;
  int64_t heads = 0;         // a multiple of kv_heads; head h reads kv head h / (heads / kv_heads)
  float scale = 1;           // usually 1 / sqrt(head_dim)
  float soft_cap = 0;        // > 0: scores become cap * tanh(score / cap), as in Gemma 2
  int64_t window = 0;        // > 0: position p sees (p - window, p]
  const float* q = nullptr;  // [rows, heads, head_dim], q_stride floats from row to row
  int64_t q_stride = 0;
  float* out = nullptr;  // like q, out_stride
  int64_t out_stride = 0;
};

/// The least tokens of a sequence in one call that are attended by tiles rather than row by row.
/// The bits of a row that is attended by tiles do not depend on where calls cut the sequence.
int64_t least_tiled_tokens(int64_t heads, int64_t kv_heads);

/// Upper bound over all batches of at most `rows` rows in `sequences` sequences, whatever their
/// contexts.
size_t paged_attention_workspace_bytes(Isa isa, const KvLayout& layout, int64_t heads, int64_t rows,
                                       int64_t sequences, int threads);

/// FLOPs: 4 * heads * head_dim * (positions seen, summed over rows). A sequence of few rows
/// (decode) reads its cache once at the memory's speed, split over kv heads and stretches of the
/// context; of many (prefill) it multiplies f32 tiles. Error against exact attention over the
/// stored values: about 1e-6 relative.
void paged_attention(Isa isa, const PagedAttention& attention, void* workspace, Worker& worker);

/// Attention of one query over part of a context, not yet divided: acc[head_dim] = sum_t
/// e^(score_t - max) v_t, sum = sum_t e^(score_t - max). An empty part has max = -infinity, sum =
/// 0.
struct AttentionPart {
  float max;
  float sum;
  float* acc;
};

/// into = the part over both contexts, which is exact whatever the order (flash decoding, Dao et
/// al. 2023). Parts may come from other nodes.
void merge_attention(Isa isa, int64_t head_dim, AttentionPart& into, const AttentionPart& other);
/// out[head_dim] = acc / sum, 0 for an empty part; out may be acc.
void finish_attention(Isa isa, int64_t head_dim, const AttentionPart& part, float* out);

/// Attention over dense rows, for training: position i of a sequence sees positions 0..i.
struct DenseAttention {
  int64_t batch = 0, tokens = 0, heads = 0, kv_heads = 0, head_dim = 0;
  float scale = 1;
  bool causal = true;            // false: everything sees everything
  const float* q = nullptr;      // [batch, tokens, heads, head_dim]
  const float* k = nullptr;      // [batch, tokens, kv_heads, head_dim]
  const float* v = nullptr;      // like k
  float* out = nullptr;          // like q
  float* log_sum_exp = nullptr;  // [batch, heads, tokens]
  int64_t q_stride = 0;          // floats from token to token of q and of k, v; 0: packed
  int64_t kv_stride = 0;
  Compute compute = Compute::F32;  // of the products; softmax and sums are f32
};

size_t dense_attention_workspace_bytes(Isa isa, const DenseAttention& attention, int threads);
void dense_attention(Isa isa, const DenseAttention& attention, void* workspace, Worker& worker);

/// Gradients of dense_attention, from its inputs, out and log_sum_exp; the weights are recomputed
/// in tiles (Dao et al. 2022, appendix B). d_q is written, packed like out; d_k and d_v, packed
/// [batch, tokens, kv_heads, head_dim], too. FLOPs: 2.5 times the forward. Workers share out
/// (sequence, kv head) pairs, of which there should be several for each worker.
struct DenseAttentionGradient {
  DenseAttention forward;
  const float* d_out = nullptr;  // like out
  float* d_q = nullptr;
  float* d_k = nullptr;
  float* d_v = nullptr;
};
size_t dense_attention_backward_workspace_bytes(Isa isa, const DenseAttention& attention,
                                                int threads);
void dense_attention_backward(Isa isa, const DenseAttentionGradient& gradient, void* workspace,
                              Worker& worker);

}  // namespace verge::kernels
