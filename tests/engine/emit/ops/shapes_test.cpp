#include <verge/engine/graph/shape_rules.hpp>

#include "../c_check.hpp"

namespace verge::emit {
namespace {

using List = std::vector<int64_t>;

TEST(CShapes, AgreeWithTheReferences) {
  expect_c("transpose", {{.dims = {2, 3, 4}}}, {{"perm", List{2, 0, 1}}});
  expect_c("transpose", {{.dims = {2, 3, 1, 4}}}, {{"perm", List{0, 2, 1, 3}}});
  expect_c("broadcast_to", {{.dims = {3, 1}}},
           {{"dims", List{2, 3, 4}}, {"symbols", List{-1, -1, -1}}});
  expect_c("slice", {{.dims = {3, 5, 2}}},
           {{"axis", int64_t{1}}, {"start", int64_t{2}}, {"size", int64_t{2}}});
  expect_c("concat", {{.dims = {2, 3, 2}}, {.dims = {2, 1, 2}}, {.dims = {2, 2, 2}}},
           {{"axis", int64_t{1}}});
  expect_c("pad", {{.dims = {2, 3}}},
           {{"before", List{1, 0}}, {"after", List{0, 2}}, {"value", 5.0}});
}

TEST(CShapes, PickByIndex) {
  expect_c("gather", {{.dims = {2, 4, 3}}, {{3}, {0, -1, 9}}}, {{"axis", int64_t{1}}});
  graph::Attrs taken = graph::dims_attrs({2, 4, 3});
  taken.set("axis", int64_t{1});
  expect_c("gather_grad", {{{4}, {0, -1, 9, 0}}, {.dims = {2, 4, 3}}}, taken);
  // Constant lists of whole numbers are floats in C.
  const COperand list{{4}, {0, -1, 9, 0}, DType::I32, true};
  expect_c("gather", {{.dims = {2, 4, 3}}, list}, {{"axis", int64_t{1}}});
  expect_c("gather_grad", {list, {.dims = {2, 4, 3}}}, taken);
  expect_c("gather_rows", {{.dims = {4, 3}}, {{2}, {3, 1}, DType::I32}});
  expect_c("embedding", {{.dims = {5, 3}}, {{2, 2}, {4, 0, 1, 1}, DType::I32}}, {{"scale", 2.0}});
}

TEST(CShapes, IdsBeyondATableTakeTheNearestRow) {
  graph::Builder b("one");
  const auto table = b.input("table", {DType::F32, {3, 2}});
  b.output(b.op("gather_rows", {table, b.input("ids", {DType::I32, {3}})}), "y");
  CModule module(emit_c(*b.finish(), {}, {.name = "net", .origin = "a test"}).value());
  const float x[] = {1, 2, 3, 4, 5, 6};
  const int32_t ids[] = {-7, 1, 99};
  std::vector<float> y(6);
  ASSERT_EQ(module.call({x, ids}, {y.data()}), 0);
  EXPECT_EQ(y, std::vector<float>(x, x + 6));
}

}  // namespace
}  // namespace verge::emit
