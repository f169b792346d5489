#include "op_check.hpp"

namespace verge::support {
namespace {

// After the first step the corrected moments are g and g^2: p moves by lr against the sign of g.
TEST(Adamw, FirstStepMovesByTheLearningRate) {
  const auto outputs = evaluate("adamw",
                                {given({2}, {1, 1}), given({2}, {4, -9}), given({2}, {0, 0}),
                                 given({2}, {0, 0}), given({}, {1}, DType::I64), given({}, {0.1})},
                                {{"eps", 0.0}, {"weight_decay", 0.5}});
  expect_near(outputs[0], {0.95 - 0.1, 0.95 + 0.1});
  expect_near(outputs[1], {0.4, -0.9});
  expect_near(outputs[2], {0.016, 0.081});
}

TEST(Adamw, ShapeRule) {
  const graph::Type p{DType::F32, {2}}, m{DType::F32, {3}}, scalar{DType::F32, {}};
  expect_refused("adamw", {p, p, m, p, {DType::I64, {}}, scalar}, {},
                 "moment is [3] instead of [2]");
}

}  // namespace
}  // namespace verge::support
