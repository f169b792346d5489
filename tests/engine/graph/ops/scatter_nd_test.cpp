#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs by(const char* reduction, int64_t batch_axes = 0) {
  return {{"batch_axes", batch_axes}, {"reduction", std::string(reduction)}};
}

TEST(ScatterNd, ShapeRule) {
  const graph::Type x{DType::F32, {2, 3, 4}}, indices{DType::I32, {5, 2}};
  EXPECT_EQ(inferred("scatter_nd", {x, indices, {DType::F32, {5, 4}}}), "f32 [2, 3, 4]");
  expect_refused("scatter_nd", {x, indices, {DType::F32, {5, 3}}}, {}, "updates");
  expect_refused("scatter_nd", {x, indices, {DType::F32, {5, 4}}}, by("mean"), "\"mean\"");
}

TEST(ScatterNd, Values) {
  const Operand x = given({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Operand rows = given({2, 2}, {10, 20, 30, 40});
  expect_values("scatter_nd", {x, integers({2, 2}, {0, 1, -1, 0}), rows}, {},
                {1, 2, 10, 20, 30, 40, 7, 8});
  expect_values("scatter_nd", {x, integers({2, 2}, {0, 1, 0, 9}), rows}, {},
                {1, 2, 10, 20, 5, 6, 7, 8});
  expect_values("scatter_nd", {x, integers({2, 2}, {1, 1, 1, 1}), rows}, by("add"),
                {1, 2, 3, 4, 5, 6, 47, 68});
  expect_values("scatter_nd", {x, integers({2, 1}, {1, 1}), rows}, by("mul", 1),
                {1, 2, 30, 80, 5, 6, 210, 320});
}

TEST(ScatterNd, Gradient) {
  const Operand x = trained({2, 3, 2}), rows = trained({3, 2});
  expect_gradient("scatter_nd", {x, integers({3, 2}, {0, 0, 1, 2, 0, 1}), rows}, by("none"));
  expect_gradient("scatter_nd", {x, integers({3, 2}, {0, 0, 1, 2, 0, 0}), rows}, by("add"));
  const Operand beyond = integers({3, 2}, {0, 9, 1, 2, -5, 1});
  expect_gradient("scatter_nd", {x, beyond, rows}, by("none"));
  expect_gradient("scatter_nd", {x, beyond, rows}, by("add"));
}

}  // namespace
}  // namespace verge::support
