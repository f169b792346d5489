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

TEST(CValues, BlocksStayAsTheyAreStored) {
  graph::Builder b("blocks");
  const auto w = b.param("w", {DType::Q8_0, {2, 32}});
  b.output(b.op("linear", {b.input("x", {DType::F32, {1, 32}}), w}), "y");
  const graph::Graph graph = *b.finish();
  Tensor stored(DType::Q8_0, {2, 32});
  for (size_t i = 0; i < 68; ++i) stored.view().as<uint8_t>()[i] = static_cast<uint8_t>('A' + i);
  const graph::ParameterValues given = [&](std::string_view) { return stored.view(); };
  CValues values(graph, given);
  ASSERT_TRUE(values.has_bytes(w));
  EXPECT_FALSE(values.has_bytes(graph.find("x")));
  EXPECT_EQ(values.read_bytes(w), "(const unsigned char *)w_w");
  EXPECT_EQ(values.constant_bytes(), 68);
  EXPECT_NE(values.declarations().find("static const unsigned char w_w[1][4000];"),
            std::string::npos);
  EXPECT_NE(values.definitions()->find("\"ABCDEFG"), std::string::npos);
  const graph::ParameterValues decoded = [](std::string_view) {
    static const Tensor floats(DType::F32, {2, 32});
    return floats.view();
  };
  CValues other(graph, decoded);
  other.read_bytes(w);
  EXPECT_EQ(other.definitions().error().message, "tensor w is f32, the graph has q8_0");
}

TEST(CValues, ACacheOfHalvesHasHalves) {
  graph::Builder b("cache");
  const auto cache = b.state("kv", {DType::F16, {1, 2, 1, 4, 8}});
  const auto k = b.input("k", {DType::F32, {1, 1, 8}});
  const auto slot = b.input("slot", {DType::I32, {1}});
  const auto appended = b.op("kv_append", {cache, k, k, slot, slot});
  const graph::Graph graph = *b.finish();
  const graph::ParameterValues none;
  CValues values(graph, none);
  EXPECT_EQ(values.write(appended, DType::F16), "kept_kv");
  EXPECT_EQ(values.write(appended, DType::F32), "");
  EXPECT_EQ(values.state_bytes(), 128);
  EXPECT_EQ(values.kept_bytes(), 0);
  EXPECT_NE(values.declarations().find("static uint16_t kept_kv[64];"), std::string::npos);
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
