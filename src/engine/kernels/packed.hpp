#pragma once
// The packed layout of weight matrices: what the fast matrix products read. Rows are taken in
// groups of 16, the lanes of a vector, and their blocks are interleaved word by word: word w of a
// block holds, for each of the 16 rows, that row's 32-bit word w of its GGUF block. A block whose
// size is no multiple of four begins with its 16 lone 16-bit scales. So packing loses nothing,
// costs nothing in size (the last group is padded with zeros), and is the same for every Isa.
//
//   AlignedBuffer packed = allocate_aligned(packed_bytes(type, rows, cols));
//   pool.run([&](Worker& worker) { pack(type, file_bytes, rows, cols, packed.get(), worker); });
//
// Large matrices can be packed in pieces of a multiple of 16 rows, so that the pages of a mapped
// file can be dropped as they are read: the piece from `row` on goes to
// packed + packed_bytes(type, row, cols).

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/core/threads.hpp>

namespace verge::kernels {

/// Rows in a group, the last one filled up with zeros.
inline constexpr int kGroupRows = 16;

/// A weight matrix y = W x in the packed layout; the memory is the caller's.
struct PackedMatrix {
  DType dtype = DType::F32;
  int64_t rows = 0;
  int64_t cols = 0;
  const void* data = nullptr;
};

/// Whether matrices of this type can be packed and multiplied: F32, F16, BF16 and every block type
/// that stores weights, where cols is a multiple of the block size. All others must be converted
/// before (TQ1_0 to TQ2_0 without loss).
bool can_pack(DType dtype, int64_t cols);

int64_t packed_bytes(DType dtype, int64_t rows, int64_t cols);

/// Interleaves `native` ([rows, cols] as in a GGUF file) into `packed`, 64-byte aligned. Called by
/// every worker at the start of a phase; sync() before the result is used.
void pack(DType dtype, const void* native, int64_t rows, int64_t cols, void* packed,
          Worker& worker);

/// Copies one row back, as it stood in the file: bytes_of(dtype, cols) bytes. A tied embedding can
/// so be looked up in the packed output head.
void unpack_row(const PackedMatrix& matrix, int64_t row, void* native);

}  // namespace verge::kernels
