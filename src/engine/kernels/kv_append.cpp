#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {

namespace {

struct Source {
  const float* k;
  int64_t k_stride;
  const float* v;
  int64_t v_stride;
};

void append_row(Isa isa, const KvLayout& layout, std::byte* pool, const KvSequence& sequence,
                int64_t token, const Source& source) {
  const RowKernels& kernels = row_kernels(isa);
  const int64_t position = sequence.context - sequence.tokens + token;
  const int64_t page = sequence.pages[position / layout.page_tokens];
  const int64_t slot = position % layout.page_tokens;
  const int64_t row = sequence.first_row + token;
  for (int64_t head = 0; head < layout.kv_heads; ++head) {
    const int64_t at = head * layout.head_dim;
    kernels.narrow(layout.dtype, layout.head_dim, source.k + row * source.k_stride + at,
                   pool + layout.key_offset(page, head, slot));
    kernels.narrow(layout.dtype, layout.head_dim, source.v + row * source.v_stride + at,
                   pool + layout.value_offset(page, head, slot));
  }
}

}  // namespace

// The rows of all sequences are shared out as one list: a batch may be many sequences of one row.
void kv_append(Isa isa, const KvLayout& layout, void* pool, const KvSequence* sequences,
               int64_t sequence_count, const float* k, int64_t k_stride, const float* v,
               int64_t v_stride, Worker& worker) {
  int64_t rows = 0;
  for (int64_t s = 0; s < sequence_count; ++s) rows += sequences[s].tokens;
  const auto [first, last] = worker.split(rows);
  int64_t row = 0;
  for (int64_t s = 0; s < sequence_count; ++s) {
    for (int64_t token = 0; token < sequences[s].tokens; ++token, ++row) {
      if (row < first || row >= last) continue;
      append_row(isa, layout, static_cast<std::byte*>(pool), sequences[s], token,
                 {k, k_stride, v, v_stride});
    }
  }
}

}  // namespace verge::kernels
