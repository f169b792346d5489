#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/format/onnx/wire.hpp>

namespace verge::format::onnx {
namespace {

TEST(OnnxWire, ReadsFieldsWhereTheyLie) {
  const std::string bytes =
      test::OnnxMessage().integer(1, 300).text(20, "ab").real(3, 0.5f).integer(4, -1).bytes();
  WireReader reader(test::onnx_bytes(bytes), 100);
  const WireField first = reader.next().value();
  EXPECT_EQ(first.number, 1u);
  EXPECT_EQ(first.value, 300u);
  EXPECT_EQ(first.offset, 101u);
  const WireField second = reader.next().value();
  EXPECT_EQ(second.number, 20u);
  EXPECT_EQ(second.text(), "ab");
  EXPECT_EQ(second.text().data(), bytes.data() + second.offset - 100);
  const WireField third = reader.next().value();
  EXPECT_EQ(third.type, WireType::Fixed32);
  EXPECT_EQ(third.value, 0x3f000000u);
  EXPECT_EQ(static_cast<int64_t>(reader.next()->value), -1);
  EXPECT_TRUE(reader.is_done());
}

std::string refusal(const std::string& bytes) {
  WireReader reader(test::onnx_bytes(bytes), 7);
  const auto field = reader.next();
  return field ? "none" : field.error().message;
}

TEST(OnnxWire, RefusesWhatIsNoField) {
  EXPECT_NE(refusal(std::string("\x00\x01", 2)).find("no field begins at byte 7"),
            std::string::npos);
  EXPECT_NE(refusal("\x0b").find("unknown wire type 3"), std::string::npos);
  EXPECT_NE(refusal("\x0a\x05xy").find("needs 5 bytes, 2 are left"), std::string::npos);
  EXPECT_NE(refusal(std::string(12, '\xff')).find("does not end"), std::string::npos);
  EXPECT_NE(refusal("\x08\x80").find("needs 1 bytes, 0 are left"), std::string::npos);
}

TEST(OnnxWire, SaysWhichTypeIsExpected) {
  const WireField field{3, WireType::Varint, 1, {}, 9};
  EXPECT_TRUE(expect_type(field, WireType::Varint, "x"));
  EXPECT_NE(expect_type(field, WireType::Bytes, "a node").error().message.find("a node at byte 9"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::format::onnx
