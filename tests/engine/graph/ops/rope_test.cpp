#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Rope, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2, 4}}, frequencies{DType::F32, {2}};
  EXPECT_EQ(inferred("rope", {x, {DType::I32, {graph::Dim(1, 0)}}, frequencies}), "f32 [n, 2, 4]");
  expect_refused("rope", {x, {DType::I32, {3}}, frequencies}, {}, "positions has extent 3");
  expect_refused("rope", {x, {DType::I32, {graph::Dim(1, 0)}}, {DType::F32, {3}}}, {},
                 "more than half of head_dim 4");
}

TEST(Rope, TurnsPairs) {
  const double c = std::cos(0.5), s = std::sin(0.5);
  const Operand x = given({1, 1, 5}, {1, 2, 3, 4, 5}), positions = integers({1}, {1});
  const Operand frequencies = given({2}, {0.5, 0});
  expect_values("rope", {x, positions, frequencies}, {{"pairs", "half"}},
                {c - 3 * s, 2, s + 3 * c, 4, 5});
  expect_values("rope", {x, positions, frequencies}, {{"pairs", "interleaved"}, {"magnitude", 2.0}},
                {2 * (c - 2 * s), 2 * (s + 2 * c), 6, 8, 5});
}

TEST(Rope, PositionsRepeatOverTheBatch) {
  const Operand x = given({2, 2, 1, 2}, {1, 0, 1, 0, 1, 0, 1, 0});
  expect_values("rope", {x, integers({2}, {0, 1}), given({1}, {1})}, {},
                {1, 0, std::cos(1), std::sin(1), 1, 0, std::cos(1), std::sin(1)});
}

TEST(Rope, Gradient) {
  for (const char* pairs : {"half", "interleaved"}) {
    expect_gradient("rope", {trained({3, 2, 6}), integers({3}, {0, 5, 7}), given({2}, {1, 0.1})},
                    {{"pairs", pairs}, {"magnitude", 1.3}});
  }
}

}  // namespace
}  // namespace verge::support
