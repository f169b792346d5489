#include <gtest/gtest.h>

#include <verge/engine/kernels/packed_layout.hpp>

namespace verge::kernels {
namespace {

TEST(PackedLayout, CoversEveryByteOfABlock) {
  int layouts = 0;
  for (const DTypeInfo& type : all_dtypes()) {
    const PackedLayout* layout = find_layout(type.dtype);
    if (layout == nullptr) continue;
    ++layouts;
    EXPECT_EQ(layout->block_bytes, bytes_of(type.dtype, layout->block_size)) << type.name;
    EXPECT_EQ(layout->half_bytes / kGroupRows + layout->word_bytes, layout->block_bytes)
        << type.name;
    EXPECT_LE(layout->block_bytes, kMaxBlockBytes) << type.name;
  }
  EXPECT_EQ(layouts, 16);
}

TEST(PackedLayout, KnowsNoTypesThatAreNoWeights) {
  for (DType type : {DType::Q8_1, DType::Q8_K, DType::I32, DType::TQ1_0}) {
    EXPECT_EQ(find_layout(type), nullptr) << name(type);
  }
}

}  // namespace
}  // namespace verge::kernels
