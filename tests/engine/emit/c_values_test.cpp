#include <limits>

#include <gtest/gtest.h>

#include <verge/engine/emit/c_values.hpp>
#include <verge/engine/graph/builder.hpp>

namespace verge::emit {
namespace {

TEST(CValues, LieWhereThePlannerPutThem) {
  graph::Builder b("two");
  const auto x = b.input("x", {DType::F32, {16}});
  const auto y = b.op("exp", {x});
  const auto z = b.op("add", {y, b.param("w", {DType::F32, {16}})});
  b.output(z, "z");
  const graph::Graph graph = *b.finish();
  const graph::ParameterValues none;
  CValues values(graph, none);
  EXPECT_EQ(values.read(x, DType::F32), "in_x");
  EXPECT_EQ(values.write(y, DType::F32), "arena + 0");
  EXPECT_EQ(values.read(graph.find("w"), DType::F32), "w_w");
  EXPECT_EQ(values.read(x, DType::I32), "");
  EXPECT_EQ(values.copy_outputs(), "  memcpy(out_z, arena + 0, 64);\n");
  EXPECT_EQ(values.constant_bytes(), 64);
  EXPECT_EQ(values.kept_bytes(), 0);
  EXPECT_EQ(values.definitions().error().code, Code::NotFound);
}

TEST(CValues, WhatIsOverwrittenIsKept) {
  graph::Builder b("update");
  const auto p = b.param("p", {DType::F32, {4}});
  const auto updated = b.op(
      "sgd", {p, b.input("g", {DType::F32, {4}}), graph::kNone, b.input("lr", {DType::F32, {}})});
  const graph::Graph graph = *b.finish();
  const graph::ParameterValues none;
  CValues values(graph, none);
  ASSERT_EQ(values.kept().size(), 1u);
  EXPECT_EQ(values.write(updated, DType::F32), "kept_p");
  EXPECT_NE(values.declarations().find("static float kept_p[4];"), std::string::npos);
}

TEST(CValues, IntegersShareNoMemoryWithFloats) {
  graph::Builder b("cast");
  const auto x = b.input("x", {DType::F32, {16}});
  const auto i = b.op("cast", {x}, {{"to", "i32"}});
  b.output(i, "i");
  const graph::Graph graph = *b.finish();
  const graph::ParameterValues none;
  CValues values(graph, none);
  EXPECT_EQ(values.write(i, DType::I32), "values_i");
}

TEST(CValues, LargeIntegersAreWrittenAsTheyAre) {
  graph::Builder b("large");
  Tensor large(DType::I64, {2});
  large.span<int64_t>()[0] = (int64_t{1} << 53) + 1;
  large.span<int64_t>()[1] = std::numeric_limits<int64_t>::min();
  const auto w = b.constant("w", std::move(large));
  b.output(b.op("cast", {w}, {{"to", "f32"}}), "y");
  const graph::Graph graph = *b.finish();
  const graph::ParameterValues none;
  CValues values(graph, none);
  EXPECT_EQ(values.read(w, DType::I64), "w_w");
  const auto text = values.definitions();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_NE(text->find("9007199254740993, INT64_MIN,"), std::string::npos) << *text;
}

}  // namespace
}  // namespace verge::emit
