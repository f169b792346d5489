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

typedef uint16_t Halves __attribute__((vector_size(16)));
typedef uint32_t Words __attribute__((vector_size(16)));

Halves interleave_low(Halves a, Halves b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
Halves interleave_high(Halves a, Halves b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
Words interleave_low(Words a, Words b) {
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
Words interleave_high(Words a, Words b) {
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}

// Each round interleaves the upper half of the rows with the lower; log2(side) of them transpose.
template <typename Vector, size_t kSide>
void transpose(Vector (&rows)[kSide]) {
  for (size_t round = 1; round < kSide; round *= 2) {
    Vector next[kSide];
    for (size_t i = 0; i < kSide / 2; ++i) {
      next[2 * i] = interleave_low(rows[i], rows[i + kSide / 2]);
      next[2 * i + 1] = interleave_high(rows[i], rows[i + kSide / 2]);
    }
    std::copy_n(next, kSide, rows);
  }
}

// packed[unit][row] = rows[row][unit], a square of units at a time.
template <typename Vector>
void interleave(const uint8_t* const (&rows)[kGroupRows], size_t offset, size_t units,
                uint8_t* packed) {
  constexpr size_t kUnit = sizeof(Vector{}[0]), kSide = sizeof(Vector) / kUnit;
  size_t unit = 0;
  for (; unit + kSide <= units; unit += kSide) {
    for (size_t row = 0; row < kGroupRows; row += kSide) {
      Vector square[kSide];
      for (size_t i = 0; i < kSide; ++i) {
        std::memcpy(&square[i], rows[row + i] + offset + unit * kUnit, sizeof(Vector));
      }
      transpose(square);
      for (size_t i = 0; i < kSide; ++i) {
        std::memcpy(packed + ((unit + i) * kGroupRows + row) * kUnit, &square[i], sizeof(Vector));
      }
    }
  }
  for (; unit < units; ++unit) {
    for (size_t row = 0; row < kGroupRows; ++row) {
      std::memcpy(packed + (unit * kGroupRows + row) * kUnit, rows[row] + offset + unit * kUnit,
                  kUnit);
    }
  }
}

// `bytes` of each row's units, from `offset` on.
void pack_units(const PackedLayout& layout, const uint8_t* const (&rows)[kGroupRows], int offset,
                int bytes, uint8_t* packed) {
  const auto at = static_cast<size_t>(offset), units = static_cast<size_t>(bytes);
  if (layout.unit_bytes == 2) return interleave<Halves>(rows, at, units / 2, packed);
  interleave<Words>(rows, at, units / 4, packed);
}

void pack_block(const PackedLayout& layout, const uint8_t* const (&rows)[kGroupRows],
                uint8_t* packed) {
  if (layout.half_bytes > 0) {
    uint16_t halves[kGroupRows];
    for (int row = 0; row < kGroupRows; ++row)
      std::memcpy(&halves[row], rows[row] + layout.half_offset, 2);
    std::memcpy(packed, halves, sizeof(halves));
  }
  pack_units(layout, rows, layout.word_offset, layout.word_bytes, packed + layout.half_bytes);
  if (layout.fifth_bits_word < 0) return;
  uint8_t* words = packed + layout.half_bytes + layout.fifth_bits_word * 4 * kGroupRows;
  for (int row = 0; row < kGroupRows; ++row) {
    uint32_t word;
    std::memcpy(&word, words + 4 * row, 4);
    word = spread_fifth_bits(word);
    std::memcpy(words + 4 * row, &word, 4);
  }
}

// Where the rows' blocks begin, `at` bytes into each row; beyond the last row, zeros.
void find_rows(const uint8_t* native, int64_t rows, int64_t row_bytes, int64_t at,
               const uint8_t* (&sources)[kGroupRows]) {
  alignas(64) static constexpr uint8_t kZeros[kMaxBlockBytes] = {};
  for (int row = 0; row < kGroupRows; ++row) {
    sources[row] = row < rows ? native + row * row_bytes + at : kZeros;
  }
}

void pack_group(const PackedLayout& layout, const uint8_t* native, int64_t rows, int64_t blocks,
                uint8_t* packed) {
  const int64_t row_bytes = blocks * layout.block_bytes;
  const uint8_t* sources[kGroupRows];
  // Blocks of nothing but units follow one another without a seam.
  if (layout.half_bytes == 0 && layout.fifth_bits_word < 0) {
    for (int64_t at = 0; at < row_bytes; at += kMaxBlockBytes) {
      find_rows(native, rows, row_bytes, at, sources);
      pack_units(layout, sources, 0,
                 static_cast<int>(std::min<int64_t>(kMaxBlockBytes, row_bytes - at)),
                 packed + at * kGroupRows);
    }
    return;
  }
  for (int64_t block = 0; block < blocks; ++block) {
    find_rows(native, rows, row_bytes, block * layout.block_bytes, sources);
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
