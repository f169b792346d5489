#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/engine/format/npy/npy.hpp>

namespace verge::format {
namespace {

Result<NpyArray> parsed(const std::string& bytes) {
  return parse_npy(std::as_bytes(std::span(bytes)), "a.npy");
}

// As numpy.save writes numpy.array([[1, 2, 3]], dtype='<f4'), but for the padding's length.
const std::string kSaved = std::string("\x93NUMPY\x01\x00\x3c\x00", 10) +
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }\n" +
                           std::string("\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40", 12);

TEST(Npy, ReadsWhatNumPyWrites) {
  const auto array = parsed(kSaved);
  ASSERT_TRUE(array) << array.error().message;
  EXPECT_EQ(array->tensor.dtype(), DType::F32);
  EXPECT_EQ(array->tensor.shape(), Shape({1, 3}));
  EXPECT_EQ(array->tensor.span<float>()[2], 3.0f);
}

TEST(Npy, WritesWhatItReads) {
  const test::TemporaryFolder folder;
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 1, 2}, Shape{0, 4}}) {
    for (DType dtype :
         {DType::F32, DType::F64, DType::F16, DType::I64, DType::I32, DType::I8, DType::U8}) {
      Tensor tensor(dtype, shape);
      auto* bytes = tensor.view().as<uint8_t>();
      for (int64_t i = 0; i < tensor.view().bytes(); ++i) bytes[i] = static_cast<uint8_t>(i);
      const std::string path = folder / "a.npy";
      ASSERT_TRUE(write_npy(path, tensor.view(), dtype == DType::U8));
      const auto read = read_npy(path);
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(read->tensor.dtype(), dtype);
      EXPECT_EQ(read->is_bool, dtype == DType::U8);
      EXPECT_EQ(read->tensor.shape(), shape);
      const auto* found = read->tensor.view().as<uint8_t>();
      EXPECT_TRUE(std::equal(bytes, bytes + tensor.view().bytes(), found));
    }
  }
}

TEST(Npy, HeadersAreWholeLines) {
  const std::string header = npy_header(DType::I64, {5}).value();
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_EQ(header.back(), '\n');
  EXPECT_NE(header.find("'descr': '<i8', 'fortran_order': False, 'shape': (5,), }"),
            std::string::npos);
  EXPECT_EQ(npy_header(DType::Q4_0, {32}).error().code, Code::Unsupported);
}

TEST(Npy, RefusesAFileCutAtAnyByte) {
  for (size_t size = 0; size < kSaved.size(); ++size) {
    EXPECT_FALSE(parsed(kSaved.substr(0, size))) << size;
  }
  EXPECT_FALSE(parsed(kSaved + "x"));
}

TEST(Npy, NamesWhatIsWrong) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string bytes = kSaved;
    bytes.replace(bytes.find(from), from.size(), to);
    return parsed(bytes).error().message;
  };
  EXPECT_NE(changed("'<f4'", "'>f4'").find("type '>f4'; convert"), std::string::npos);
  EXPECT_NE(changed("False", "True ").find("Fortran order"), std::string::npos);
  EXPECT_NE(changed("(1, 3)", "(1,-3)").find("the shape \"-3\""), std::string::npos);
  EXPECT_NE(changed("(1, 3)", "(1, 4)").find("12 bytes of values for [1, 4], which takes 16"),
            std::string::npos);
  EXPECT_NE(changed("shape", "shade").find("no 'shape'"), std::string::npos);
  EXPECT_NE(changed("NUMPY", "NUMPX").find("not an NPY file"), std::string::npos);
  EXPECT_EQ(parsed("a").error().message.substr(0, 7), "a.npy: ");
}

}  // namespace
}  // namespace verge::format
