#include <numeric>

#include <gtest/gtest.h>

#include <verge/engine/format/stored_tensor.hpp>

namespace verge::format {
namespace {

TEST(StoredTensor, ViewsItsBytes) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  StoredTensor tensor;
  tensor.dtype = DType::F32;
  tensor.shape = {2, 3};
  tensor.bytes = std::as_bytes(std::span(values));
  const TensorView view = tensor.view().value();
  EXPECT_EQ(view.data, values.data());
  EXPECT_EQ(view.shape, Shape({2, 3}));
  tensor.bytes = tensor.bytes.subspan(1);
  EXPECT_EQ(tensor.view().error().code, Code::Malformed);
}

TEST(StoredTensor, InterleavesBlocksOfRowsToo) {
  // Four q4_0 rows of one block each, two heads' halves: 0 1 | 2 3 become 0 2 1 3.
  std::vector<std::byte> rows(4 * 18);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = std::byte(i / 18);
  StoredTensor tensor;
  tensor.dtype = DType::Q4_0;
  tensor.shape = {4, 32};
  tensor.bytes = rows;
  tensor.interleave_heads = 1;
  std::vector<std::byte> out(rows.size());
  ASSERT_TRUE(tensor.copy_to(out));
  const int expected[] = {0, 2, 1, 3};
  for (size_t row = 0; row < 4; ++row) {
    EXPECT_EQ(std::to_integer<int>(out[row * 18]), expected[row]);
    EXPECT_EQ(std::to_integer<int>(out[row * 18 + 17]), expected[row]);
  }
  EXPECT_THROW((void)tensor.view(), InternalError);
}

}  // namespace
}  // namespace verge::format
