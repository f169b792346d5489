#include <algorithm>
#include <cmath>
#include <limits>

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/attention_tile.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {
namespace {

// A sequence with fewer query rows (tokens x heads of a group) than this is decoded row by row: a
// tile would convert the cache for too few rows.
constexpr int64_t kTileFrom = 24;
// Decode splits a context into stretches of at least kMinStretch tokens, at most kMaxStretches.
constexpr int64_t kMinStretch = 256;
constexpr int64_t kMaxStretches = 16;
constexpr int64_t kScoreBlock = 256;

int64_t group_of(const PagedAttention& a) {
  return a.heads / a.layout.kv_heads;
}
bool is_tiled(const PagedAttention& a, const KvSequence& sequence) {
  return sequence.tokens >= least_tiled_tokens(a.heads, a.layout.kv_heads);
}
Span span_of(const PagedAttention& a, int64_t position) {
  const int64_t first = a.window > 0 ? std::max<int64_t>(position + 1 - a.window, 0) : 0;
  return {first, position + 1};
}

/// The workspace: parts of decoded rows, then each worker's own buffers.
struct Layout {
  Layout(void* base, Isa isa, const KvLayout& kv, int64_t heads, int64_t rows) : scratch(base) {
    const int64_t parts = rows * heads * kMaxStretches;
    max = scratch.take<float>(parts);
    sum = scratch.take<float>(parts);
    acc = scratch.take<float>(parts * kv.head_dim);
    shared = scratch.used();
    const int64_t group = heads / kv.kv_heads;
    const int64_t tile_rows = std::max(kTileRows, group);
    Scratch counter(nullptr);
    TileBuffers(counter, tile_f32(isa), tile_rows, kv.head_dim);
    Scratch decode(nullptr);
    decode.take<float>(group * (kScoreBlock + kv.head_dim));
    per_worker = std::max(counter.used(), decode.used());
  }
  /// The buffers of a worker.
  void* own(void* base, int index) const {
    return static_cast<std::byte*>(base) + shared + index * per_worker;
  }

  Scratch scratch;
  float* max;
  float* sum;
  float* acc;
  int64_t shared;
  int64_t per_worker;
};

struct PagedKeys {
  const PagedAttention* attention;
  const KvSequence* sequence;
  int64_t kv_head;
};

/// The stored row of a position; `plane` is 0 for keys and kv_heads for values.
const std::byte* row_at(const PagedKeys& p, int64_t plane, int64_t position) {
  const KvLayout& layout = p.attention->layout;
  const int64_t page = p.sequence->pages[position / layout.page_tokens];
  return static_cast<const std::byte*>(p.attention->pool) +
         layout.key_offset(page, plane + p.kv_head, position % layout.page_tokens);
}

/// Calls body(rows, at, count, next) for the stored rows of positions [first, last), a page at a
/// time; `next` are the rows after them, `after` at the end.
template <typename Body>
void for_pages(const PagedKeys& p, int64_t plane, int64_t first, int64_t last, const void* after,
               Body body) {
  const int64_t page_tokens = p.attention->layout.page_tokens;
  for (int64_t position = first; position < last;) {
    const int64_t count = std::min(page_tokens - position % page_tokens, last - position);
    const int64_t end = position + count;
    body(row_at(p, plane, position), position - first, count,
         end < last ? row_at(p, plane, end) : after);
    position = end;
  }
}

Rows widen_rows(const PagedKeys& p, int64_t plane, Isa isa, int64_t first, int64_t count,
                float* buffer) {
  const KvLayout& layout = p.attention->layout;
  for_pages(p, plane, first, first + count, nullptr,
            [&](const void* rows, int64_t at, int64_t n, const void*) {
              row_kernels(isa).widen(layout.dtype, n * layout.head_dim, rows,
                                     buffer + at * layout.head_dim);
            });
  return {buffer, layout.head_dim};
}

struct SourceContext {
  PagedKeys keys;
  Isa isa;
};

Rows paged_keys(const void* context, int64_t first, int64_t count, float* buffer) {
  const auto& source = *static_cast<const SourceContext*>(context);
  return widen_rows(source.keys, 0, source.isa, first, count, buffer);
}
Rows paged_values(const void* context, int64_t first, int64_t count, float* buffer) {
  const auto& source = *static_cast<const SourceContext*>(context);
  const int64_t plane = source.keys.attention->layout.kv_heads;
  return widen_rows(source.keys, plane, source.isa, first, count, buffer);
}

/// Tokens [first, last) of a sequence, the heads of one group: rows are (token, head of group).
void prefill_tile(Isa isa, const PagedAttention& a, const PagedKeys& keys, int64_t first,
                  int64_t last, void* own) {
  const int64_t dim = a.layout.head_dim;
  const int64_t group = group_of(a);
  const KvSequence& sequence = *keys.sequence;
  Scratch scratch(own);
  TileBuffers buffers(scratch, tile_f32(isa), (last - first) * group, dim);
  for (int64_t token = first; token < last; ++token) {
    const float* q = a.q + (sequence.first_row + token) * a.q_stride + keys.kv_head * group * dim;
    float* rows = buffers.q + (token - first) * group * dim;
    for (int64_t i = 0; i < group * dim; ++i) rows[i] = a.scale * q[i];
    const Span span = span_of(a, sequence.context - sequence.tokens + token);
    std::fill_n(buffers.spans + (token - first) * group, group, span);
  }
  const SourceContext context{keys, isa};
  attend_tile(isa, buffers, (last - first) * group, dim, a.soft_cap,
              {&context, paged_keys, paged_values});
  for (int64_t row = 0; row < (last - first) * group; ++row) {
    const int64_t token = first + row / group;
    const int64_t head = keys.kv_head * group + row % group;
    finish_attention(isa, dim, {buffers.max[row], buffers.sum[row], buffers.acc + row * dim},
                     a.out + (sequence.first_row + token) * a.out_stride + head * dim);
  }
}

/// One query row's heads of a group over positions [span): fills group parts.
void decode_stretch(Isa isa, const PagedAttention& a, const PagedKeys& keys, const float* q,
                    Span span, float* max, float* sum, float* acc, void* own) {
  const RowKernels& kernels = row_kernels(isa);
  const KvLayout& layout = a.layout;
  const int64_t dim = layout.head_dim;
  const int64_t group = group_of(a);
  auto* scores = static_cast<float*>(own);
  float* scaled = scores + group * kScoreBlock;
  for (int64_t i = 0; i < group * dim; ++i) scaled[i] = a.scale * q[i];
  std::fill_n(max, group, -std::numeric_limits<float>::infinity());
  std::fill_n(sum, group, 0.0f);
  std::fill_n(acc, group * dim, 0.0f);
  for (int64_t first = span.first; first < span.last; first += kScoreBlock) {
    const int64_t count = std::min(kScoreBlock, span.last - first);
    for_pages(keys, 0, first, first + count, row_at(keys, layout.kv_heads, first),
              [&](const void* rows, int64_t at, int64_t n, const void* next) {
                kernels.key_scores(layout.dtype, dim, group, scaled, n, rows, layout.row_bytes(),
                                   next, scores + at, kScoreBlock);
              });
    for (int64_t head = 0; head < group; ++head) {
      float* row = scores + head * kScoreBlock;
      if (a.soft_cap > 0) kernels.soft_cap(count, a.soft_cap, row);
      const float best = std::max(max[head], kernels.max(count, row));
      const float factor = std::exp(max[head] - best);
      if (factor != 1) kernels.scale(dim, factor, acc + head * dim);
      max[head] = best;
      sum[head] = sum[head] * factor + kernels.exp_sum(count, best, row);
    }
    const void* after = first + count < span.last ? row_at(keys, 0, first + count) : nullptr;
    for_pages(keys, layout.kv_heads, first, first + count, after,
              [&](const void* rows, int64_t at, int64_t n, const void* next) {
                kernels.add_values(layout.dtype, dim, group, scores + at, kScoreBlock, n, rows,
                                   layout.row_bytes(), next, acc);
              });
  }
}

/// Stretch `index` of a row's span; empty beyond the last.
Span stretch_of(const PagedAttention& a, Span span, int64_t index) {
  const int64_t tokens = span.last - span.first;
  const int64_t even = (tokens + kMaxStretches - 1) / kMaxStretches;
  const int64_t pages = a.layout.pages_for(std::max(even, kMinStretch));
  const int64_t length = pages * a.layout.page_tokens;
  const int64_t first = std::min(span.first + index * length, span.last);
  return {first, std::min(first + length, span.last)};
}

/// Calls body(sequence, token, row) for every row to be decoded; rows are counted from 0.
template <typename Body>
void for_decoded(const PagedAttention& a, Body body) {
  int64_t row = 0;
  for (int64_t s = 0; s < a.sequence_count; ++s) {
    if (is_tiled(a, a.sequences[s])) continue;
    for (int64_t token = 0; token < a.sequences[s].tokens; ++token) {
      body(a.sequences[s], token, row++);
    }
  }
}

/// Hands out numbered pieces of work in order: mine() says whether the next number is this
/// worker's.
class Turns {
 public:
  explicit Turns(Worker& worker) : worker_(worker), claimed_(worker.claim()) {}
  bool mine() {
    if (next_++ != claimed_) return false;
    claimed_ = worker_.claim();
    return true;
  }

 private:
  Worker& worker_;
  int64_t claimed_;
  int64_t next_ = 0;
};

void run_tiles(Isa isa, const PagedAttention& a, Turns& turns, void* own) {
  const int64_t tile_tokens = std::max<int64_t>(kTileRows / group_of(a), 1);
  for (int64_t s = 0; s < a.sequence_count; ++s) {
    const KvSequence& sequence = a.sequences[s];
    if (!is_tiled(a, sequence)) continue;
    // Last tiles first: they see most, and short ones fill the end evenly.
    for (int64_t last = sequence.tokens; last > 0; last -= tile_tokens) {
      for (int64_t head = 0; head < a.layout.kv_heads; ++head) {
        if (!turns.mine()) continue;
        prefill_tile(isa, a, {&a, &sequence, head}, std::max<int64_t>(last - tile_tokens, 0), last,
                     own);
      }
    }
  }
}

/// A row whose span is one stretch is finished by whoever attends it.
bool is_whole(const PagedAttention& a, Span span) {
  const Span second = stretch_of(a, span, 1);
  return second.first == second.last;
}

void finish_heads(Isa isa, const PagedAttention& a, const Layout& layout, int64_t at, float* out) {
  const int64_t dim = a.layout.head_dim;
  for (int64_t i = 0; i < group_of(a); ++i) {
    float* acc = layout.acc + (at + i) * dim;
    finish_attention(isa, dim, {layout.max[at + i], layout.sum[at + i], acc}, out + i * dim);
  }
}

void run_decode(Isa isa, const PagedAttention& a, Turns& turns, const Layout& layout, void* own) {
  const int64_t group = group_of(a);
  const int64_t dim = a.layout.head_dim;
  for_decoded(a, [&](const KvSequence& sequence, int64_t token, int64_t row) {
    const Span span = span_of(a, sequence.context - sequence.tokens + token);
    const float* q = a.q + (sequence.first_row + token) * a.q_stride;
    for (int64_t stretch = 0; stretch < kMaxStretches; ++stretch) {
      const Span part = stretch_of(a, span, stretch);
      if (part.first == part.last) break;
      for (int64_t head = 0; head < a.layout.kv_heads; ++head) {
        if (!turns.mine()) continue;
        const int64_t at = (row * kMaxStretches + stretch) * a.heads + head * group;
        decode_stretch(isa, a, {&a, &sequence, head}, q + head * group * dim, part, layout.max + at,
                       layout.sum + at, layout.acc + at * dim, own);
        if (!is_whole(a, span)) continue;
        finish_heads(isa, a, layout, at,
                     a.out + (sequence.first_row + token) * a.out_stride + head * group * dim);
      }
    }
  });
}

void merge_decoded(Isa isa, const PagedAttention& a, const Layout& layout, Worker& worker) {
  const int64_t dim = a.layout.head_dim;
  const auto mine = worker.split(a.heads);
  for_decoded(a, [&](const KvSequence& sequence, int64_t token, int64_t row) {
    const Span span = span_of(a, sequence.context - sequence.tokens + token);
    if (is_whole(a, span)) return;
    for (int64_t head = mine.first; head < mine.second; ++head) {
      const int64_t at = row * kMaxStretches * a.heads + head;
      AttentionPart whole{layout.max[at], layout.sum[at], layout.acc + at * dim};
      for (int64_t stretch = 1; stretch < kMaxStretches; ++stretch) {
        const Span part = stretch_of(a, span, stretch);
        if (part.first == part.last) break;
        const int64_t next = at + stretch * a.heads;
        merge_attention(isa, dim, whole,
                        {layout.max[next], layout.sum[next], layout.acc + next * dim});
      }
      finish_attention(isa, dim, whole,
                       a.out + (sequence.first_row + token) * a.out_stride + head * dim);
    }
  });
}

struct Decoded {
  int64_t rows = 0;
  bool in_parts = false;  // some row's parts must be merged
};

Decoded decoded_of(const PagedAttention& a) {
  Decoded decoded;
  for_decoded(a, [&](const KvSequence& sequence, int64_t token, int64_t) {
    ++decoded.rows;
    decoded.in_parts |= !is_whole(a, span_of(a, sequence.context - sequence.tokens + token));
  });
  return decoded;
}

}  // namespace

int64_t least_tiled_tokens(int64_t heads, int64_t kv_heads) {
  const int64_t group = heads / kv_heads;
  return std::max<int64_t>((kTileFrom + group - 1) / group, 2);
}

size_t paged_attention_workspace_bytes(Isa isa, const KvLayout& kv, int64_t heads, int64_t rows,
                                       int64_t sequences, int threads) {
  const int64_t decoded = std::min(rows, sequences * (least_tiled_tokens(heads, kv.kv_heads) - 1));
  const Layout layout(nullptr, isa, kv, heads, decoded);
  return static_cast<size_t>(layout.shared + threads * layout.per_worker);
}

void paged_attention(Isa isa, const PagedAttention& a, void* workspace, Worker& worker) {
  const Decoded decoded = decoded_of(a);
  const Layout layout(workspace, isa, a.layout, a.heads, decoded.rows);
  void* own = layout.own(workspace, worker.index());
  Turns turns(worker);
  run_tiles(isa, a, turns, own);
  run_decode(isa, a, turns, layout, own);
  if (!decoded.in_parts) return;
  worker.sync();
  merge_decoded(isa, a, layout, worker);
}

}  // namespace verge::kernels
