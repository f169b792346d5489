#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {

void kv_append(Isa isa, const KvLayout& layout, void* pool, const KvSequence* sequences,
               int64_t sequence_count, const float* k, int64_t k_stride, const float* v,
               int64_t v_stride, Worker& worker) {
  const RowKernels& kernels = row_kernels(isa);
  auto* bytes = static_cast<std::byte*>(pool);
  for (int64_t s = 0; s < sequence_count; ++s) {
    const KvSequence& sequence = sequences[s];
    const auto [first, last] = worker.split(sequence.tokens);
    for (int64_t token = first; token < last; ++token) {
      const int64_t position = sequence.context - sequence.tokens + token;
      const int64_t page = sequence.pages[position / layout.page_tokens];
      const int64_t slot = position % layout.page_tokens;
      const int64_t row = sequence.first_row + token;
      for (int64_t head = 0; head < layout.kv_heads; ++head) {
        const int64_t at = head * layout.head_dim;
        kernels.narrow(layout.dtype, layout.head_dim, k + row * k_stride + at,
                       bytes + layout.key_offset(page, head, slot));
        kernels.narrow(layout.dtype, layout.head_dim, v + row * v_stride + at,
                       bytes + layout.value_offset(page, head, slot));
      }
    }
  }
}

}  // namespace verge::kernels
