#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Compare, EveryRelation) {
  const Operand a = given({3}, {1, 2, 3}), two = given({}, {2});
  const std::pair<const char*, std::vector<double>> cases[] = {
      {"lt", {1, 0, 0}}, {"le", {1, 1, 0}}, {"gt", {0, 0, 1}},
      {"ge", {0, 1, 1}}, {"eq", {0, 1, 0}}, {"ne", {1, 0, 1}}};
  for (const auto& [op, wanted] : cases) expect_values("compare", {a, two}, {{"op", op}}, wanted);
}

TEST(Compare, ShapeRule) {
  const graph::Type x{DType::F32, {2}};
  EXPECT_EQ(inferred("compare", {x, x}, {{"op", "lt"}}), "u8 [2]");
  expect_refused("compare", {x, x}, {{"op", "near"}}, "op is \"near\"");
}

}  // namespace
}  // namespace verge::support
