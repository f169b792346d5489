#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/memory_types.hpp>

namespace verge::graph {
namespace {

// 1024 f32 that become levels and, four times as many bytes, f32 again.
TEST(MemoryTypes, CountBytesByWhatTheyHold) {
  Builder b("levels");
  const ValueId x = b.op("relu", {b.input("x", {DType::F32, {1024}})});
  const ValueId q = b.op("quantize", {x}, {{"scale", 0.1}, {"to", std::string("i8")}});
  b.output(b.op("dequantize", {q}, {{"scale", 0.1}}), "y");
  const Graph graph = *b.finish();
  const MemoryPlan plan = plan_memory(graph, {0, 64, 0});
  EXPECT_EQ(bytes_by_type(graph, plan, 1),
            (std::map<std::string, int64_t>{{"f32", 4096}, {"i8", 1024}, {"workspace", 64}}));
  EXPECT_EQ(bytes_by_type(graph, plan, 2),
            (std::map<std::string, int64_t>{{"f32", 4096}, {"i8", 1024}}));
  EXPECT_EQ(most_bytes_of(graph, plan, DType::F32), 4096);
  EXPECT_EQ(most_bytes_of(graph, plan, DType::I8), 1024);
  EXPECT_EQ(most_bytes_of(graph, plan, DType::I32), 0);
  EXPECT_EQ(show_types(bytes_by_type(graph, plan, 2)), "f32 4 KiB, i8 1 KiB");
}

}  // namespace
}  // namespace verge::graph
