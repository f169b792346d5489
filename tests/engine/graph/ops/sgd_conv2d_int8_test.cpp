#include "op_check.hpp"

namespace verge::support {
namespace {

using List = std::vector<int64_t>;

TEST(SgdConv2dInt8, IsTheGradientThenTheStep) {
  const graph::Attrs window{
      {"kernel", List{3, 3}}, {"pads", List{1, 1, 1, 1}}, {"x_zero", int64_t{-4}}};
  graph::Attrs all = window;
  all.set("ratio", 0.5);
  std::vector<double> levels;
  for (int i = 0; i < 2 * 4 * 4; ++i) levels.push_back(i * 7 % 50 - 25);
  const Operand x = given({1, 2, 4, 4}, levels, DType::I8);
  Operand dy = fixed({1, 3, 4, 4});
  dy.type.dtype = DType::F32;
  const Operand p = given({3, 2, 3, 3}, std::vector<double>(54, 9), DType::I8);
  const Operand multiplier = given({3}, {1, 2, 3}, DType::F32), lr = given({}, {0.1}, DType::F32),
                step = given({}, {2}, DType::I64),
                rest = given({3, 2, 3, 3}, std::vector<double>(54, 5), DType::I8);
  const auto grad = evaluate("conv2d_grad_weight", {dy, x}, window)[0];
  const auto wanted =
      evaluate("sgd_int8", {p, given({3, 2, 3, 3}, grad, DType::F32), multiplier, rest, lr, step},
               {{"ratio", 0.5}});
  const auto found = evaluate("sgd_conv2d_int8", {p, dy, x, multiplier, rest, lr, step}, all);
  expect_near(found[0], wanted[0]);
  expect_near(found[1], wanted[1]);
}

TEST(SgdConv2dInt8, ShapeRule) {
  const graph::Type p{DType::I8, {3, 2, 1, 1}}, dy{DType::F32, {1, 3, 4, 4}},
      x{DType::I8, {1, 2, 4, 4}}, m{DType::F32, {3}}, lr{DType::F32, {}}, step{DType::I64, {}};
  const graph::Attrs attrs{{"kernel", List{1, 1}}};
  EXPECT_EQ(inferred("sgd_conv2d_int8", {p, dy, x, m, p, lr, step}, attrs),
            "i8 [3, 2, 1, 1], i8 [3, 2, 1, 1]");
  expect_refused("sgd_conv2d_int8", {{DType::I8, {3, 3, 1, 1}}, dy, x, m, p, lr, step}, attrs,
                 "p is");
  for (const int64_t groups : {0, -1, 2}) {
    graph::Attrs in_groups = attrs;
    in_groups.set("groups", groups);
    expect_refused("sgd_conv2d_int8", {p, dy, x, m, p, lr, step}, in_groups,
                   fmt::format("in {} groups", groups));
  }
}

}  // namespace
}  // namespace verge::support
