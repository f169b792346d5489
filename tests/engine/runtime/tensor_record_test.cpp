#include <gtest/gtest.h>

#include <verge/engine/runtime/tensor_record.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

TEST(TensorRecord, FitsTensorsOfItsTypeAndShapeOnly) {
  const test::TemporaryFolder folder;
  const Tensor tensor(DType::F32, {2, 3});
  auto file = AtomicFile::create(folder / "t");
  ASSERT_TRUE(file);
  CheckedWriter writer(std::move(*file), "RECORD");
  write_tensor(writer, "w", tensor.view());
  ASSERT_TRUE(writer.finish());
  const auto mapped = MappedFile::open(folder / "t");
  ASSERT_TRUE(mapped);
  CheckedReader reader(*checked_content(*mapped, "RECORD"));
  const TensorHeader header = read_header(reader);
  EXPECT_EQ(header.name, "w");
  EXPECT_TRUE(header.fits(tensor.view()));
  EXPECT_FALSE(header.fits(Tensor(DType::I32, {2, 3}).view()));
  EXPECT_FALSE(header.fits(Tensor(DType::F32, {3, 2}).view()));
  EXPECT_EQ(reader.bytes(24).size(), 24u);
  EXPECT_TRUE(reader.good());
  read_header(reader);
  EXPECT_FALSE(reader.good());
}

}  // namespace
}  // namespace verge::runtime
