#include <cstring>

#include <gtest/gtest.h>

#include <verge/engine/format/safetensors/reader.hpp>

namespace verge::format {
namespace {

std::string file_of(std::string_view header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string out(reinterpret_cast<const char*>(&length), sizeof length);
  out += header;
  for (size_t i = 0; i < data_bytes; ++i) out += static_cast<char>(i);
  return out;
}

Result<Safetensors> parse(const std::string& bytes) {
  return Safetensors::parse(std::as_bytes(std::span(bytes)), "m");
}

constexpr std::string_view kSample =
    R"({"__metadata__":{"format":"pt","a":"b"},)"
    R"("x":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
    R"("s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
    R"("none":{"dtype":"U64","shape":[0,9],"data_offsets":[16,16]}})";

TEST(SafetensorsReader, ReadsTensorsAndMetadata) {
  const std::string bytes = file_of(kSample, 16);
  Result<Safetensors> file = parse(bytes);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->metadata().size(), 2u);
  EXPECT_EQ(file->metadata()[1], (std::pair<std::string, std::string>("a", "b")));
  const StoredTensor* x = file->find("x");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x->shape, Shape({2, 3}));
  EXPECT_EQ(x->dtype, DType::BF16);
  EXPECT_EQ(x->bytes.size(), 12u);
  EXPECT_EQ(std::to_integer<int>(x->bytes[0]), 4);
  EXPECT_EQ(file->find("s")->shape.rank(), 0);
  EXPECT_EQ(file->find("none")->view().error().code, Code::Unsupported);
}

TEST(SafetensorsReader, RefusesAFileCutAtAnyByte) {
  const std::string whole = file_of(kSample, 16);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(parse(whole + "x"));
}

TEST(SafetensorsReader, NamesWhatIsWrong) {
  const std::string damaged = "; the file is damaged: fetch it again";
  const struct {
    std::string header;
    std::string message;
  } cases[] = {
      {"{\"x\":", "m: header: no valid JSON at byte 14" + damaged},
      {"{}}", "m: header: no valid JSON at byte 11" + damaged},
      {R"({"x":1})", "m: header: a number where an object is expected" + damaged},
      {R"({"x":{"dtype":"F32"}})", "m: tensor x: needs dtype, shape and data_offsets" + damaged},
      {R"({"x":{"dtype":["F32"]}})", "m: tensor x: field dtype holds an array" + damaged},
      {R"({"x":{"shape":[-1]}})", "m: tensor x: field shape holds a negative number" + damaged},
      {R"({"x":{"shape":[1.5]}})", "m: tensor x: field shape holds a fraction" + damaged},
      {R"({"x":{"shape":[[1]]}})", "m: tensor x: field shape holds an array" + damaged},
      {R"({"x":{"shape":[1,1,1,1,1,1,1]}})", "m: tensor x: more than 6 dimensions" + damaged},
      {R"({"x":{"data_offsets":[0,4,4]}})",
       "m: tensor x: data_offsets has 3 numbers, expected 2" + damaged},
      {R"({"x":{"color":"red"}})", "m: tensor x: unknown field color" + damaged},
      {R"({"x":{"dtype":"F32","dtype":"F16"}})",
       "m: tensor x: field dtype appears twice" + damaged},
      {R"({"__metadata__":{"a":1}})", "m: tensor __metadata__: field a holds a number" + damaged},
      {R"({"x":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})",
       "m: tensor x: unknown dtype F31; a newer Verge may read it"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
       "m: tensor x: F32 of shape [2] does not fill data_offsets 0 to 4" + damaged},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
       "m: tensor x: F32 of shape [1] does not fill data_offsets 4 to 0" + damaged},
      {R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
       "m: tensor x: F32 of shape [4294967296, 4294967296] does not fill data_offsets 0 to 0" +
           damaged},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "m: tensor x: ends at byte 8 of the data, which has 4; the file is cut off: fetch it again"},
      {R"({"x":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
       R"("y":{"dtype":"I8","shape":[2],"data_offsets":[2,4]}})",
       "m: tensor y: starts at byte 2 of the data, expected 4: tensors overlap or leave a hole" +
           damaged},
      {R"({"x":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}})",
       "m: data: 2 bytes follow the last tensor" + damaged},
  };
  for (const auto& c : cases) {
    const Result<Safetensors> file = parse(file_of(c.header, 4));
    ASSERT_FALSE(file) << c.header;
    EXPECT_EQ(file.error().message, c.message);
  }
}

TEST(SafetensorsReader, RefusesTheSameNameTwice) {
  const Result<Safetensors> file =
      parse(file_of(R"({"x":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"x":{}})", 1));
  EXPECT_EQ(file.error().message,
            "m: tensor x: appears twice; the file is damaged: fetch it again");
}

TEST(SafetensorsReader, RefusesAbsurdHeadersWithoutReadingThem) {
  std::string bytes = file_of("{}", 0);
  const uint64_t lengths[] = {3, 99'000'000, 4'000'000'000, ~uint64_t{0}, uint64_t{1} << 63};
  for (uint64_t length : lengths) {
    std::memcpy(bytes.data(), &length, sizeof length);
    EXPECT_FALSE(parse(bytes)) << length;
  }
  EXPECT_FALSE(parse(file_of("{" + std::string(100000, '['), 0)));
  EXPECT_FALSE(parse(file_of("{\"x\":" + std::string(100000, '['), 0)));
}

}  // namespace
}  // namespace verge::format
