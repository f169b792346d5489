#pragma once
// PackedLayout: where the parts of a GGUF block lie once 16 rows are interleaved (packed.hpp).
// Internal to the kernels.

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/engine/kernels/packed.hpp>

namespace verge::kernels {

inline constexpr int kMaxBlockBytes = 256;

struct PackedLayout {
  DType dtype;
  int block_size;       // values
  int block_bytes;      // of one row
  int half_offset;      // of the lone fp16 scale in the row's block; used if half_bytes > 0
  int half_bytes;       // of all 16 rows' lone scales, which come first: 32 or 0
  int word_offset;      // of the words in the row's block
  int word_bytes;       // of one row
  int unit_bytes;       // what is interleaved: 4, or 2 for F16
  int fifth_bits_word;  // the word that holds 32 fifth bits, or -1

  int64_t group_bytes() const { return int64_t{block_bytes} * kGroupRows; }
};

/// The layout of a type, or nullptr if it cannot be packed.
const PackedLayout* find_layout(DType dtype);
/// The same; it is a bug to ask for a type that cannot be packed.
const PackedLayout& layout_of(DType dtype);

/// Row `row`'s block out of a group's, as it stood in the file.
void unpack_block(const PackedLayout& layout, const uint8_t* packed, int row, uint8_t* native);

}  // namespace verge::kernels
