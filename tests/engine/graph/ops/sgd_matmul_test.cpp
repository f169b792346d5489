#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(SgdMatmul, IsMatmulThenSgd) {
  const Operand p = fixed({2, 4}), a = fixed({3, 2}), b = fixed({3, 4}), lr = given({}, {0.1});
  const auto grad = evaluate("matmul", {a, b}, {{"transpose_a", int64_t{1}}})[0];
  expect_values(
      "sgd_matmul", {p, a, b, lr}, {{"weight_decay", 0.5}},
      evaluate("sgd", {p, given({2, 4}, grad), absent(), lr}, {{"weight_decay", 0.5}})[0]);
}

TEST(SgdMatmul, ShapeRule) {
  expect_refused(
      "sgd_matmul",
      {{DType::F32, {2, 4}}, {DType::F32, {3, 2}}, {DType::F32, {3, 5}}, {DType::F32, {}}}, {},
      "p is [2, 4] instead of [2, 5]");
}

}  // namespace
}  // namespace verge::support
