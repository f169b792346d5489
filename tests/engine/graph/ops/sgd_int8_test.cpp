#include "op_check.hpp"

namespace verge::support {
namespace {

const Operand kRate = given({}, {0.5}, DType::F32), kStep = given({}, {4}, DType::I64);

TEST(SgdInt8, WholeStepsAreExact) {
  const Operand p = given({2, 2}, {1, -5, 100, 0}, DType::I8);
  const Operand grad = given({2, 2}, {2, -4, -80, 6}, DType::F32);
  expect_values("sgd_int8", {p, grad, absent(), absent(), kRate, kStep}, {}, {0, -3, 127, -3});
  expect_values("sgd_int8",
                {given({2}, {1000, -7}, DType::I32), given({2}, {2, -4}, DType::F32), absent(),
                 absent(), kRate, kStep},
                {}, {999, -5});
}

TEST(SgdInt8, DividesByTheScaleSquared) {
  const Operand p = given({2, 1}, {0, 0}, DType::I8), grad = given({2, 1}, {1, 1}, DType::F32);
  const Operand multiplier = given({2}, {1, 0.25}, DType::F32);
  expect_values("sgd_int8", {p, grad, multiplier, absent(), kRate, kStep}, {{"ratio", 0.5}},
                {-2, -32});
}

TEST(SgdInt8, RemaindersAddUp) {
  const auto after =
      evaluate("sgd_int8", {given({1}, {3}, DType::I8), given({1}, {0.25}, DType::F32), absent(),
                            given({1}, {-100}, DType::I8), kRate, kStep});
  // 3 - 100 / 256 - 1 / 8 = 2.484
  EXPECT_EQ(after[0][0], 2);
  EXPECT_EQ(after[1][0], 124);
}

TEST(SgdInt8, ShapeRule) {
  const graph::Type p{DType::I8, {4, 3}}, grad{DType::F32, {4, 3}}, lr{DType::F32, {}},
      step{DType::I64, {}}, per_channel{DType::F32, {4}};
  EXPECT_EQ(inferred("sgd_int8", {p, grad, per_channel, p, lr, step}), "i8 [4, 3], i8 [4, 3]");
  expect_refused("sgd_int8", {grad, grad, per_channel, p, lr, step}, {}, "not i8 or i32");
  expect_refused("sgd_int8", {p, grad, {DType::F32, {3}}, p, lr, step}, {}, "multiplier");
  expect_refused("sgd_int8", {p, grad, per_channel, p, lr, step}, {{"ratio", -1.0}}, "ratio is -1");
  expect_refused("sgd_int8", {p, grad, per_channel, p, lr, step}, {{"weight_decay", HUGE_VAL}},
                 "weight_decay is inf");
  expect_refused("sgd_int8", {p, grad, per_channel, p, lr, step}, {{"stream", int64_t{-1}}},
                 "stream is -1");
  expect_refused("sgd_int8",
                 {{DType::I32, {4}}, {DType::F32, {4}}, per_channel, {DType::I8, {4}}, lr, step},
                 {}, "keeps no remainder");
}

}  // namespace
}  // namespace verge::support
