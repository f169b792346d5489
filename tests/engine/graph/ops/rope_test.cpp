#include "op_check.hpp"

namespace verge::support {
namespace {

// cos and sin of each angle, as rope_angles gives them.
Operand angles(int64_t tokens, const std::vector<double>& radians) {
  const size_t pairs = radians.size() / static_cast<size_t>(tokens);
  std::vector<double> values;
  for (size_t t = 0; t < static_cast<size_t>(tokens); ++t) {
    for (size_t i = 0; i < pairs; ++i) values.push_back(std::cos(radians[t * pairs + i]));
    for (size_t i = 0; i < pairs; ++i) values.push_back(std::sin(radians[t * pairs + i]));
  }
  return given({tokens, static_cast<int64_t>(2 * pairs)}, values);
}

TEST(Rope, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2, 4}};
  EXPECT_EQ(inferred("rope", {x, {DType::F32, {graph::Dim(1, 0), 4}}}), "f32 [n, 2, 4]");
  expect_refused("rope", {x, {DType::F32, {3, 4}}}, {}, "angles has extent 3");
  expect_refused("rope", {x, {DType::F32, {graph::Dim(1, 0), 6}}}, {}, "more than head_dim 4");
}

TEST(Rope, TurnsPairs) {
  const double c = std::cos(0.5), s = std::sin(0.5);
  const Operand x = given({1, 1, 5}, {1, 2, 3, 4, 5});
  expect_values("rope", {x, angles(1, {0.5, 0})}, {{"pairs", "half"}},
                {c - 3 * s, 2, s + 3 * c, 4, 5});
  expect_values("rope", {x, angles(1, {0.5, 0})}, {{"pairs", "interleaved"}},
                {c - 2 * s, s + 2 * c, 3, 4, 5});
}

TEST(Rope, AnglesRepeatOverTheBatch) {
  const Operand x = given({2, 2, 1, 2}, {1, 0, 1, 0, 1, 0, 1, 0});
  expect_values("rope", {x, angles(2, {0, 1})}, {},
                {1, 0, std::cos(1), std::sin(1), 1, 0, std::cos(1), std::sin(1)});
}

TEST(Rope, Gradient) {
  for (const char* pairs : {"half", "interleaved"}) {
    expect_gradient("rope", {trained({3, 2, 6}), angles(3, {0, 0, 5, 0.5, 7, 0.7})},
                    {{"pairs", pairs}});
  }
}

}  // namespace
}  // namespace verge::support
