#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs along(int64_t axis, const char* reduction = "none") {
  return {{"axis", axis}, {"reduction", std::string(reduction)}};
}

TEST(ScatterElements, ShapeRule) {
  const graph::Type x{DType::F32, {3, 4}}, indices{DType::I32, {2, 4}}, updates{DType::F32, {2, 4}};
  EXPECT_EQ(inferred("scatter_elements", {x, indices, updates}, along(0)), "f32 [3, 4]");
  expect_refused("scatter_elements", {x, indices, {DType::F32, {2, 3}}}, along(0), "updates");
  expect_refused("scatter_elements", {x, indices, {DType::F64, {2, 4}}}, along(0), "updates");
  expect_refused("scatter_elements", {x, indices, updates}, along(0, "mean"), "\"mean\"");
}

TEST(ScatterElements, Values) {
  const Operand x = given({2, 3}, {1, 2, 3, 4, 5, 6}), updates = given({2, 2}, {10, 20, 30, 40});
  const Operand last = integers({2, 2}, {2, 0, -1, 9}), twice = integers({2, 2}, {1, 1, 0, 0});
  expect_values("scatter_elements", {x, last, updates}, along(1), {20, 2, 10, 4, 5, 30});
  expect_values("scatter_elements", {x, twice, updates}, along(1), {1, 20, 3, 40, 5, 6});
  expect_values("scatter_elements", {x, twice, updates}, along(1, "add"), {1, 32, 3, 74, 5, 6});
  expect_values("scatter_elements", {x, twice, updates}, along(1, "mul"), {1, 400, 3, 4800, 5, 6});
  expect_values("scatter_elements", {x, twice, updates}, along(1, "min"), {1, 2, 3, 4, 5, 6});
  expect_values("scatter_elements", {x, twice, updates}, along(1, "max"), {1, 20, 3, 40, 5, 6});
}

TEST(ScatterElements, Gradient) {
  const Operand x = trained({3, 3}), updates = trained({2, 3});
  expect_gradient("scatter_elements", {x, integers({2, 3}, {0, 1, 2, 2, 0, 1}), updates}, along(0));
  expect_gradient("scatter_elements", {x, integers({2, 3}, {0, 0, 2, 0, 0, 1}), updates},
                  along(1, "add"));
  const Operand beyond = integers({2, 3}, {0, 9, -7, 2, 0, 1});
  expect_gradient("scatter_elements", {x, beyond, updates}, along(0));
  expect_gradient("scatter_elements", {x, beyond, updates}, along(0, "add"));
}

TEST(ScatterElements, HasNoGradientOfOtherReductions) {
  graph::Builder b("net");
  const graph::ValueId x = b.param("x", {DType::F32, {3}});
  b.source("head");
  const graph::ValueId at = b.input("at", {DType::I32, {1}}), y = b.input("y", {DType::F32, {1}});
  const graph::ValueId sum =
      b.op("reduce_sum", {b.op("scatter_elements", {x, at, y}, along(0, "max"))},
           {{"axes", std::vector<int64_t>{0}}});
  b.output(sum, "loss");
  const auto graph = b.finish();
  ASSERT_TRUE(graph);
  const auto found = graph::differentiate(*graph, sum, {x});
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("scatter_elements (head): max has no gradient"),
            std::string::npos)
      << found.error().message;
}

}  // namespace
}  // namespace verge::support
