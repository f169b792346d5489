#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LookupInt8, TakesTheLevelOfATable) {
  std::vector<double> table(256);
  for (size_t i = 0; i < 256; ++i) table[i] = static_cast<double>(i / 2);
  const Operand by = given({256}, table, DType::I8);
  expect_values("lookup_int8", {given({3}, {0, 7, 255}, DType::U8), by}, {}, {0, 3, 127});
  expect_values("lookup_int8", {given({3}, {-128, -1, 127}, DType::I8), by}, {}, {0, 63, 127});
}

TEST(LookupInt8, ShapeRule) {
  EXPECT_EQ(inferred("lookup_int8", {{DType::I8, {graph::Dim(1, 0), 4}}, {DType::U8, {256}}}),
            "u8 [n, 4]");
  expect_refused("lookup_int8", {{DType::F32, {4}}, {DType::U8, {256}}}, {}, "x is f32");
  expect_refused("lookup_int8", {{DType::U8, {4}}, {DType::U8, {255}}}, {}, "table is [255]");
}

}  // namespace
}  // namespace verge::support
