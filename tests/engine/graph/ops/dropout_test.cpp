#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Dropout, KeepsTheMean) {
  const Operand ones = given({10000}, std::vector<double>(10000, 1)),
                seed = given({}, {3}, DType::I64);
  const auto outputs = evaluate("dropout", {ones, seed}, {{"rate", 0.25}});
  double sum = 0;
  for (double y : outputs[0]) {
    EXPECT_TRUE(y == 0 || y == 1 / 0.75);
    sum += y;
  }
  EXPECT_NEAR(sum / 10000, 1, 0.03);
}

TEST(Dropout, ShapeRule) {
  expect_refused("dropout", {{DType::F32, {2}}, {DType::I64, {}}}, {{"rate", 1.0}},
                 "rate 1 is not in [0, 1)");
}

TEST(Dropout, GradientUsesTheSameMask) {
  expect_gradient("dropout", {trained({4, 5}), given({}, {3}, DType::I64)}, {{"rate", 0.5}});
}

}  // namespace
}  // namespace verge::support
