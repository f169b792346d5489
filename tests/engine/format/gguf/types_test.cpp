#include <gtest/gtest.h>

#include <verge/engine/format/gguf/types.hpp>
#include <verge/engine/format/metadata.hpp>

namespace verge::format {
namespace {

// Bytes of 256 values of each type, from the tables of ggml.h.
TEST(GgufTypes, EveryTypeHasItsSize) {
  const struct {
    uint32_t id;
    std::string_view name;
    uint64_t bytes;
  } cases[] = {
      {0, "f32", 1024},    {1, "f16", 512},     {2, "q4_0", 144},   {3, "q4_1", 160},
      {6, "q5_0", 176},    {7, "q5_1", 192},    {8, "q8_0", 272},   {10, "q2_K", 84},
      {11, "q3_K", 110},   {12, "q4_K", 144},   {13, "q5_K", 176},  {14, "q6_K", 210},
      {15, "q8_K", 292},   {16, "iq2_xxs", 66}, {17, "iq2_xs", 74}, {18, "iq3_xxs", 98},
      {19, "iq1_s", 50},   {20, "iq4_nl", 144}, {21, "iq3_s", 110}, {22, "iq2_s", 82},
      {23, "iq4_xs", 136}, {24, "i8", 256},     {28, "f64", 2048},  {29, "iq1_m", 56},
      {30, "bf16", 512},   {34, "tq1_0", 54},   {35, "tq2_0", 66},  {39, "mxfp4", 136},
  };
  for (const auto& c : cases) {
    const auto type = gguf_tensor_type(c.id);
    ASSERT_TRUE(type.has_value()) << c.id;
    EXPECT_EQ(type->name, c.name);
    EXPECT_EQ(gguf_tensor_bytes("x", {256}, *type).value(), c.bytes) << c.name;
    EXPECT_EQ(gguf_tensor_bytes("x", {2, 3, 256}, *type).value(), 6 * c.bytes) << c.name;
  }
  for (uint32_t id : {4u, 5u, 31u, 100u, 255u, 256u, 258u, ~0u}) {
    EXPECT_FALSE(gguf_tensor_type(id).has_value()) << id;
  }
}

TEST(GgufTypes, AlignmentIsThirtyTwoUnlessGiven) {
  Metadata metadata;
  EXPECT_EQ(gguf_alignment(metadata).value(), 32u);
  metadata.set("general.alignment", 64u);
  EXPECT_EQ(gguf_alignment(metadata).value(), 64u);
  metadata.set("general.alignment", "64");
  EXPECT_FALSE(gguf_alignment(metadata));
}

}  // namespace
}  // namespace verge::format
