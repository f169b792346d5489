#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/packed.hpp>

#include "weights.hpp"

namespace verge::kernels {
namespace {

TEST(Packed, GivesEveryRowBackBitForBit) {
  ThreadPool pool(2);
  for (DType type : packable_types()) {
    for (int64_t rows : {1, 16, 45}) {
      const Weights weights(type, rows, 3, 7);
      const PackedWeights packed(weights, pool);
      for (int64_t row = 0; row < rows; ++row) {
        std::vector<uint8_t> native(weights.row_bytes);
        unpack_row(packed.view, row, native.data());
        const uint8_t* original = weights.bytes.data() + row * weights.row_bytes;
        EXPECT_EQ(native, std::vector<uint8_t>(original, original + weights.row_bytes))
            << name(type) << " row " << row;
      }
    }
  }
}

TEST(Packed, PiecesMakeTheWhole) {
  ThreadPool pool(2);
  const Weights weights(DType::Q6_K, 70, 2, 8);
  const PackedWeights whole(weights, pool);
  const int64_t bytes = packed_bytes(DType::Q6_K, 70, weights.cols);
  AlignedBuffer pieces = allocate_aligned(bytes);
  for (int64_t row = 0; row < 70; row += 32) {
    pool.run([&](Worker& worker) {
      pack(DType::Q6_K, weights.bytes.data() + row * weights.row_bytes,
           std::min<int64_t>(32, 70 - row), weights.cols,
           pieces.get() + packed_bytes(DType::Q6_K, row, weights.cols), worker);
    });
  }
  EXPECT_EQ(std::memcmp(pieces.get(), whole.memory.get(), bytes), 0);
}

TEST(Packed, TakesOnlyWholeBlocks) {
  EXPECT_TRUE(can_pack(DType::Q4_0, 64));
  EXPECT_FALSE(can_pack(DType::Q4_0, 48));
  EXPECT_FALSE(can_pack(DType::Q4_K, 128));
  EXPECT_FALSE(can_pack(DType::I32, 64));
}

}  // namespace
}  // namespace verge::kernels
