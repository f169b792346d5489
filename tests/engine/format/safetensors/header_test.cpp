#include <gtest/gtest.h>

#include <verge/engine/format/safetensors/header.hpp>

namespace verge::format {
namespace {

TEST(SafetensorsHeader, KeepsTheFilesOrder) {
  const auto header = parse_safetensors_header(
      R"({"b":{"shape":[3],"dtype":"I8","data_offsets":[0,3]},"__metadata__":{"z":"1","a":"2"},
          "a":{"dtype":"F32","data_offsets":[3,3],"shape":[0]}}   )");
  ASSERT_TRUE(header) << header.error().message;
  const auto& [metadata, tensors] = header.value();
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "b");
  EXPECT_EQ(tensors[0].type, "I8");
  EXPECT_EQ(tensors[0].shape, (std::vector<uint64_t>{3}));
  EXPECT_EQ(tensors[0].end, 3u);
  EXPECT_EQ(tensors[1].begin, 3u);
  ASSERT_EQ(metadata.size(), 2u);
  EXPECT_EQ(metadata[0].first, "z");
}

TEST(SafetensorsHeader, AcceptsOnlyAnObjectOfObjects) {
  for (const char* text : {"", "[]", "7", "null", "\"x\"", "{\"x\":[]}", "{\"x\":null}",
                           "{\"\":{}}", "{\"x\":{\"dtype\":{}}}", "{} {}", "{\"x\":true}"}) {
    EXPECT_FALSE(parse_safetensors_header(text)) << text;
  }
  EXPECT_TRUE(parse_safetensors_header("{}"));
}

}  // namespace
}  // namespace verge::format
