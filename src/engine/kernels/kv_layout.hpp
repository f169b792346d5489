#pragma once
// KvLayout: where the keys and values of a paged KV cache lie. A layer has one pool of pages; a
// page holds `page_tokens` tokens, first all keys, then all values, each [kv_heads, page_tokens,
// head_dim], so that one head reads consecutive rows. A sequence is a list of page numbers:
// position p is slot p % page_tokens of page pages[p / page_tokens].

#include <cstdint>

#include <verge/core/dtype.hpp>

namespace verge::kernels {

struct KvLayout {
  DType dtype = DType::F16;  // F32, F16, BF16, or Q8_0 (head_dim a multiple of 32)
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t page_tokens = 32;

  /// Bytes of one head's key, or value, of one token.
  int64_t row_bytes() const { return bytes_of(dtype, head_dim); }
  int64_t head_bytes() const { return page_tokens * row_bytes(); }
  int64_t page_bytes() const { return 2 * kv_heads * head_bytes(); }
  /// Byte offsets in the pool of the row in `slot` of a page.
  int64_t key_offset(int64_t page, int64_t kv_head, int64_t slot) const {
    return page * page_bytes() + kv_head * head_bytes() + slot * row_bytes();
  }
  int64_t value_offset(int64_t page, int64_t kv_head, int64_t slot) const {
    return key_offset(page, kv_heads + kv_head, slot);
  }
  /// Pages that `context` tokens take.
  int64_t pages_for(int64_t context) const { return (context + page_tokens - 1) / page_tokens; }
};

/// One sequence of a batch: its last `tokens` of `context` positions are this call's rows
/// first_row, first_row + 1, ...
struct KvSequence {
  const int32_t* pages = nullptr;  // [pages_for(context)]
  int64_t context = 0;             // tokens in the cache, those of this call included
  int64_t first_row = 0;
  int64_t tokens = 1;
};

}  // namespace verge::kernels
