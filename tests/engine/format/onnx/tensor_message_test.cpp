#include <cstring>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/format/onnx/tensor_message.hpp>

namespace verge::format::onnx {
namespace {

using test::OnnxMessage;

Result<TensorData> read(const std::string& bytes) {
  return read_tensor({1, WireType::Bytes, 0, test::onnx_bytes(bytes), 0});
}

template <typename T>
std::vector<T> values_of(const TensorData& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

TEST(OnnxTensor, RawValuesStayInTheFile) {
  const std::string bytes = test::onnx_tensor<float>("w", 1, {2, 1}, {0.5f, -2}).bytes();
  const auto tensor = read(bytes);
  ASSERT_TRUE(tensor) << tensor.error().message;
  EXPECT_EQ(tensor->name, "w");
  EXPECT_EQ(tensor->dims, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(values_of<float>(*tensor), (std::vector<float>{0.5f, -2}));
  EXPECT_EQ(tensor->owner, nullptr);
  EXPECT_GE(tensor->bytes.data(), test::onnx_bytes(bytes).data());
}

// float_data packed and one by one, int32_data for narrow types, dims packed.
TEST(OnnxTensor, ReadsEachFieldOfValues) {
  const float pair[] = {1, 2};
  const std::string packed(reinterpret_cast<const char*>(pair), sizeof pair);
  const auto floats =
      read(OnnxMessage().integer(1, 3).integer(2, 1).text(4, packed).real(4, 3).bytes());
  ASSERT_TRUE(floats) << floats.error().message;
  EXPECT_EQ(values_of<float>(*floats), (std::vector<float>{1, 2, 3}));
  const auto longs = read(OnnxMessage().text(1, "\x02").integer(2, 7).text(7, "\x05\x07").bytes());
  ASSERT_TRUE(longs) << longs.error().message;
  EXPECT_EQ(values_of<int64_t>(*longs), (std::vector<int64_t>{5, 7}));
  const auto bytes =
      read(OnnxMessage().integer(1, 2).integer(2, 3).integer(5, -1).integer(5, 4).bytes());
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(values_of<int8_t>(*bytes), (std::vector<int8_t>{-1, 4}));
}

TEST(OnnxTensor, NotesExternalData) {
  OnnxMessage tensor;
  tensor.integer(1, 2).integer(2, 1).text(8, "w").integer(14, 1);
  tensor.message(13, OnnxMessage().text(1, "location").text(2, "w.bin"));
  tensor.message(13, OnnxMessage().text(1, "offset").text(2, "16"));
  const auto read_back = read(tensor.bytes());
  ASSERT_TRUE(read_back) << read_back.error().message;
  ASSERT_TRUE(read_back->external);
  EXPECT_EQ(read_back->external->location, "w.bin");
  EXPECT_EQ(read_back->external->offset, 16u);
  EXPECT_FALSE(read_back->external->length);
  tensor.message(13, OnnxMessage().text(1, "length").text(2, "8x"));
  EXPECT_NE(read(tensor.bytes()).error().message.find("the length \"8x\""), std::string::npos);
}

TEST(OnnxTensor, NamesWhatIsWrong) {
  const auto refusal = [](const OnnxMessage& tensor) {
    return read(tensor.bytes()).error().message;
  };
  EXPECT_NE(refusal(test::onnx_tensor<float>("w", 1, {3}, {1, 2}))
                .find("tensor \"w\": has 8 bytes of values, its extents [3] of float32 need 12"),
            std::string::npos);
  EXPECT_NE(refusal(OnnxMessage().text(8, "w").integer(1, -2).integer(2, 1)).find("extents [-2]"),
            std::string::npos);
  OnnxMessage huge;
  huge.integer(1, int64_t{1} << 40).integer(1, int64_t{1} << 40).integer(2, 1);
  EXPECT_NE(refusal(huge).find("the extents ["), std::string::npos);
  EXPECT_NE(refusal(OnnxMessage().text(3, "")).find("stored in segments"), std::string::npos);
}

}  // namespace
}  // namespace verge::format::onnx
