#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;
using graph::Dim;

constexpr int64_t kYes = 1;

TEST(Matmul, ShapeRule) {
  const graph::Type a{DType::F32, {Dim(1, 0), 2, 3}}, b{DType::Q4_0, {3, 5}};
  EXPECT_EQ(inferred("matmul", {a, b}), "f32 [n, 2, 5]");
  EXPECT_EQ(inferred("matmul", {a, {DType::F32, {Dim(1, 0), 2, 5}}}, {{"transpose_a", kYes}}),
            "f32 [3, 5]");
  EXPECT_EQ(inferred("matmul", {a, {DType::F32, {Dim(1, 0), 4, 3}}},
                     {{"batched", kYes}, {"transpose_b", kYes}}),
            "f32 [n, 2, 4]");
  expect_refused("matmul", {a, {DType::F32, {4, 5}}}, {},
                 "b has extent 4 along axis 0 instead of 3");
}

TEST(Matmul, EveryTransposition) {
  const Operand a = given({2, 3}, {1, 2, 3, 4, 5, 6}), a_t = given({3, 2}, {1, 4, 2, 5, 3, 6});
  const Operand b = given({3, 2}, {1, 0, 0, 1, 2, 0}), b_t = given({2, 3}, {1, 0, 2, 0, 1, 0});
  const std::vector<double> product = {7, 2, 16, 5};
  expect_values("matmul", {a, b}, {}, product);
  expect_values("matmul", {a, b_t}, {{"transpose_b", kYes}}, product);
  expect_values("matmul", {a_t, b}, {{"transpose_a", kYes}}, product);
  expect_values("matmul", {a_t, b_t},
                {{"transpose_a", kYes}, {"transpose_b", kYes}, {"batched", kYes}}, product);
}

TEST(Matmul, BatchedMultipliesMatrixByMatrix) {
  expect_values("matmul", {given({2, 1, 2}, {1, 2, 3, 4}), given({2, 2, 1}, {1, 1, 10, 10})},
                {{"batched", kYes}}, {3, 70});
}

TEST(Matmul, Gradient) {
  expect_gradient("matmul", {trained({2, 2, 3}), trained({3, 4})});
  expect_gradient("matmul", {trained({2, 2, 3}), trained({4, 3})}, {{"transpose_b", kYes}});
  expect_gradient("matmul", {trained({2, 2, 3}), trained({2, 2, 4})}, {{"transpose_a", kYes}});
}

TEST(Matmul, GradientBatched) {
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      const Attrs attrs = {
          {"batched", kYes}, {"transpose_a", int64_t{a}}, {"transpose_b", int64_t{b}}};
      expect_gradient("matmul",
                      {a ? trained({2, 3, 2}) : trained({2, 2, 3}),
                       b ? trained({2, 4, 3}) : trained({2, 3, 4})},
                      attrs);
    }
  }
}

}  // namespace
}  // namespace verge::support
