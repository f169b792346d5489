#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LevelMask, HasABitForEachLevelInside) {
  expect_values("level_mask", {given({10}, {-128, -127, 0, 5, 6, 7, 127, -3, 6, 1}, DType::I8)},
                {{"low", int64_t{-128}}, {"high", int64_t{6}}}, {0b10001110, 0b10});
  expect_values("level_mask", {given({3}, {0, 200, 255}, DType::U8)},
                {{"low", int64_t{0}}, {"high", int64_t{255}}}, {0b010});
}

TEST(LevelMask, ShapeRule) {
  const graph::Attrs range{{"low", int64_t{0}}, {"high", int64_t{1}}};
  EXPECT_EQ(inferred("level_mask", {{DType::I8, {3, 5}}}, range), "u8 [2]");
  expect_refused("level_mask", {{DType::F32, {3}}}, range, "not i8 or u8");
  expect_refused("level_mask", {{DType::I8, {3}}}, {}, "low and high are needed");
  expect_refused("level_mask", {{DType::I8, {3}}}, {{"low", int64_t{2}}, {"high", int64_t{1}}},
                 "[2, 1]");
}

}  // namespace
}  // namespace verge::support
