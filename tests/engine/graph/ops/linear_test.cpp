#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Linear, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(2, 0), 3}}, w{DType::Q4_0, {5, 3}};
  EXPECT_EQ(inferred("linear", {x, w}), "f32 [2*n, 5]");
  expect_refused("linear", {x, {DType::F32, {5, 4}}}, {}, "x has extent 3 along axis -1");
  expect_refused("linear", {x, w, {DType::F32, {4}}}, {}, "bias is [4] instead of [5]");
}

TEST(Linear, AddsBiasThenActivatesThenAddsTheResidual) {
  const std::vector<Operand> operands = {given({1, 2}, {1, 2}), given({2, 2}, {1, 1, -1, -1}),
                                         given({2}, {0.5, 0}), given({1, 2}, {10, 20})};
  expect_values("linear", operands, {}, {13.5, 17});
  expect_values("linear", operands, {{"activation", "relu"}}, {13.5, 20});
}

TEST(Linear, Gradient) {
  for (const char* activation : {"none", "relu", "silu", "gelu", "gelu_erf"}) {
    expect_gradient("linear",
                    {trained({2, 2, 3}), trained({4, 3}), trained({4}), trained({2, 2, 4})},
                    {{"activation", activation}});
  }
}

}  // namespace
}  // namespace verge::support
