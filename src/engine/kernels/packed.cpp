#include <algorithm>
#include <cstring>

#include <verge/core/result.hpp>
#include <verge/engine/kernels/packed.hpp>
#include <verge/engine/kernels/packed_layout.hpp>

namespace verge::kernels {
namespace {

// Swaps the roles of the 4 bits within and the 8 groups of 4: bit 4v + c <-> bit 8c + v, so that
// the fifth bits of the four values in one word stand at the same place in its four bytes.
uint32_t spread_fifth_bits(uint32_t bits) {
  uint32_t spread = 0;
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < 8; ++v) spread |= (bits >> (4 * v + c) & 1) << (8 * c + v);
  }
  return spread;
}

uint32_t gather_fifth_bits(uint32_t spread) {
  uint32_t bits = 0;
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < 8; ++v) bits |= (spread >> (8 * c + v) & 1) << (4 * v + c);
  }
  return bits;
}

// The units of one row's block and where they stand in the group's block.
template <typename Unit, typename Copy>
void each_unit(const PackedLayout& layout, Copy&& copy) {
  for (int unit = 0; unit * static_cast<int>(sizeof(Unit)) < layout.word_bytes; ++unit) {
    copy(layout.word_offset + unit * sizeof(Unit),
         layout.half_bytes + unit * sizeof(Unit) * kGroupRows);
  }
}

template <typename Unit>
void pack_units(const PackedLayout& layout, const uint8_t* const (&rows)[kGroupRows],
                uint8_t* packed) {
  each_unit<Unit>(layout, [&](size_t from, size_t to) {
    Unit units[kGroupRows];
    for (int row = 0; row < kGroupRows; ++row)
      std::memcpy(&units[row], rows[row] + from, sizeof(Unit));
    std::memcpy(packed + to, units, sizeof(units));
  });
}

void pack_block(const PackedLayout& layout, const uint8_t* const (&rows)[kGroupRows],
                uint8_t* packed) {
  if (layout.half_bytes > 0) {
    uint16_t halves[kGroupRows];
    for (int row = 0; row < kGroupRows; ++row)
      std::memcpy(&halves[row], rows[row] + layout.half_offset, 2);
    std::memcpy(packed, halves, sizeof(halves));
  }
  if (layout.unit_bytes == 2) {
    pack_units<uint16_t>(layout, rows, packed);
  } else {
    pack_units<uint32_t>(layout, rows, packed);
  }
  if (layout.fifth_bits_word < 0) return;
  uint8_t* words = packed + layout.half_bytes + layout.fifth_bits_word * 4 * kGroupRows;
  for (int row = 0; row < kGroupRows; ++row) {
    uint32_t word;
    std::memcpy(&word, words + 4 * row, 4);
    word = spread_fifth_bits(word);
    std::memcpy(words + 4 * row, &word, 4);
  }
}

void pack_group(const PackedLayout& layout, const uint8_t* native, int64_t rows, int64_t blocks,
                uint8_t* packed) {
  alignas(64) static constexpr uint8_t kZeros[kMaxBlockBytes] = {};
  const int64_t row_bytes = blocks * layout.block_bytes;
  for (int64_t block = 0; block < blocks; ++block) {
    const uint8_t* sources[kGroupRows];
    for (int row = 0; row < kGroupRows; ++row) {
      sources[row] = row < rows ? native + row * row_bytes + block * layout.block_bytes : kZeros;
    }
    pack_block(layout, sources, packed + block * layout.group_bytes());
  }
}

}  // namespace

bool can_pack(DType dtype, int64_t cols) {
  const PackedLayout* layout = find_layout(dtype);
  return layout != nullptr && cols > 0 && cols % layout->block_size == 0;
}

int64_t packed_bytes(DType dtype, int64_t rows, int64_t cols) {
  const PackedLayout& layout = layout_of(dtype);
  return (rows + kGroupRows - 1) / kGroupRows * (cols / layout.block_size) * layout.group_bytes();
}

void pack(DType dtype, const void* native, int64_t rows, int64_t cols, void* packed,
          Worker& worker) {
  VERGE_CHECK(can_pack(dtype, cols), name(dtype), cols);
  const PackedLayout& layout = layout_of(dtype);
  const int64_t blocks = cols / layout.block_size;
  const int64_t groups = (rows + kGroupRows - 1) / kGroupRows;
  for (int64_t group = worker.claim(); group < groups; group = worker.claim()) {
    const int64_t first = group * kGroupRows;
    pack_group(layout, static_cast<const uint8_t*>(native) + first * blocks * layout.block_bytes,
               std::min<int64_t>(kGroupRows, rows - first), blocks,
               static_cast<uint8_t*>(packed) + group * blocks * layout.group_bytes());
  }
}

void unpack_row(const PackedMatrix& matrix, int64_t row, void* native) {
  VERGE_CHECK(row >= 0 && row < matrix.rows, row, matrix.rows);
  const PackedLayout& layout = layout_of(matrix.dtype);
  const int64_t blocks = matrix.cols / layout.block_size;
  const uint8_t* group =
      static_cast<const uint8_t*>(matrix.data) + row / kGroupRows * blocks * layout.group_bytes();
  for (int64_t block = 0; block < blocks; ++block) {
    unpack_block(layout, group + block * layout.group_bytes(), static_cast<int>(row % kGroupRows),
                 static_cast<uint8_t*>(native) + block * layout.block_bytes);
  }
}

void unpack_block(const PackedLayout& layout, const uint8_t* packed, int row, uint8_t* native) {
  if (layout.half_bytes > 0) std::memcpy(native + layout.half_offset, packed + 2 * row, 2);
  const int unit = layout.unit_bytes;
  for (int at = 0; at < layout.word_bytes; at += unit) {
    std::memcpy(native + layout.word_offset + at,
                packed + layout.half_bytes + at * kGroupRows + unit * row, unit);
  }
  if (layout.fifth_bits_word < 0) return;
  uint8_t* fifth = native + layout.word_offset + 4 * layout.fifth_bits_word;
  uint32_t word;
  std::memcpy(&word, fifth, 4);
  word = gather_fifth_bits(word);
  std::memcpy(fifth, &word, 4);
}

}  // namespace verge::kernels
