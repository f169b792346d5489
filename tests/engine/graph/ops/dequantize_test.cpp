#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Dequantize, ByTensorAndByChannel) {
  expect_values("dequantize", {given({2}, {-3, 5}, DType::I8)},
                {{"scale", 0.5}, {"zero_point", int64_t{1}}}, {-2, 2});
  expect_values(
      "dequantize",
      {given({2, 2}, {1, 2, 3, 4}, DType::U8), given({2}, {1, 10}), integers({2}, {0, 1})},
      {{"axis", int64_t{1}}}, {1, 10, 3, 30});
}

TEST(Dequantize, ShapeRule) {
  expect_refused("dequantize", {{DType::I8, {2}}},
                 {{"scale", 1.0}, {"zero_point", int64_t{1} << 31}}, "which is no i32");
  expect_refused("dequantize", {{DType::F32, {2}}}, {{"scale", 1.0}},
                 "q is f32, not i8, u8 or i32");
}

}  // namespace
}  // namespace verge::support
