#include <filesystem>

#include <gtest/gtest.h>

#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/format/safetensors/writer.hpp>

namespace verge::format {
namespace {

std::string written(const SafetensorsWriter& writer) {
  std::string out;
  EXPECT_TRUE(writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }));
  return out;
}

// As the reference implementation lays it out: compact JSON, padded with blanks to 8 bytes.
const std::string kExpected =
    std::string("\xa8\0\0\0\0\0\0\0", 8) +
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
    R"("a":{"dtype":"I8","shape":[3],"data_offsets":[8,11]},)"
    R"("\"q\"":{"dtype":"U8","shape":[],"data_offsets":[11,12]}})";

TEST(SafetensorsWriter, WritesWhatTheFormatSays) {
  SafetensorsWriter writer;
  writer.set_metadata("format", "pt");
  const std::string data = "01234567abcZ";
  const auto bytes = std::as_bytes(std::span(data));
  ASSERT_TRUE(writer.add("b", DType::F32, {1, 2}, bytes.first(8)));
  ASSERT_TRUE(writer.add("a", DType::I8, {3}, bytes.subspan(8, 3)));
  ASSERT_TRUE(writer.add("\"q\"", DType::U8, {}, bytes.last(1)));
  std::string expected = kExpected;
  expected.resize((expected.size() + 7) / 8 * 8, ' ');
  expected[0] = static_cast<char>(expected.size() - 8);
  EXPECT_EQ(written(writer), expected + data);
  const std::string path = testing::TempDir() + "verge_writer_test.safetensors";
  ASSERT_TRUE(writer.write(path));
  Result<Safetensors> file = Safetensors::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->find("a")->offset, 8u);
  std::filesystem::remove(path);
}

TEST(SafetensorsWriter, RefusesBlockTypesAndDoubleNames) {
  SafetensorsWriter writer;
  const std::vector<std::byte> bytes(18);
  EXPECT_EQ(writer.add("x", DType::Q4_0, {32}, bytes).error().message,
            "tensor x: safetensors has no type q4_0; write f32, f16 or bf16, or a GGUF file");
  ASSERT_TRUE(writer.add("x", DType::U8, {18}, bytes));
  EXPECT_EQ(writer.add("x", DType::U8, {18}, bytes).error().message, "tensor x: added twice");
}

}  // namespace
}  // namespace verge::format
