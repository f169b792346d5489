#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

Graph update_then_read() {
  Builder b("model");
  const ValueId p = b.param("p", {DType::F32, {2}}), lr = b.input("lr", {DType::F32, {}});
  b.op("sgd", {p, b.input("g", {DType::F32, {2}}), kNone, lr});
  b.op("exp", {p});
  return b.graph();
}

TEST(Verify, RefusesAReadAfterAnOverwrite) {
  const Status status = verify(update_then_read());
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("reads p after sgd has overwritten it"), std::string::npos);
}

TEST(Verify, RefusesUseBeforeDefinitionAndChangedTypes) {
  Graph graph = update_then_read();
  graph.nodes.erase(graph.nodes.begin());
  EXPECT_TRUE(verify(graph));
  Graph wrong_type = graph;
  wrong_type.value(wrong_type.nodes[0].outputs[0]).type.dims = {3};
  EXPECT_FALSE(verify(wrong_type));
  Graph out_of_range = graph;
  out_of_range.nodes[0].inputs[0] = 99;
  EXPECT_FALSE(verify(out_of_range));
  Graph early = graph;
  early.nodes[0].inputs[0] = early.nodes[0].outputs[0];
  EXPECT_FALSE(verify(early));
}

}  // namespace
}  // namespace verge::graph
