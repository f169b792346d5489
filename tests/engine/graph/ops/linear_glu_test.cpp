#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LinearGlu, IsTwoLinearsAndTheirGatedProduct) {
  const Operand x = fixed({3, 4}), gate = fixed({2, 4}), up = fixed({2, 4});
  const auto gates = evaluate("linear", {x, gate})[0], ups = evaluate("linear", {x, up})[0];
  expect_values("linear_glu", {x, gate, up}, {{"activation", "silu"}},
                evaluate("swiglu", {given({3, 2}, gates), given({3, 2}, ups)})[0]);
  expect_values("linear_glu", {x, gate, up}, {{"activation", "gelu"}},
                evaluate("geglu", {given({3, 2}, gates), given({3, 2}, ups)})[0]);
}

TEST(LinearGlu, ShapeRule) {
  const graph::Type x{DType::F32, {3, 4}}, w{DType::F32, {2, 4}};
  expect_refused("linear_glu", {x, w, {DType::F32, {3, 4}}}, {},
                 "w_up is [3, 4] instead of [2, 4]");
  expect_refused("linear_glu", {x, w, w}, {{"activation", "relu"}}, "not silu or gelu");
}

}  // namespace
}  // namespace verge::support
