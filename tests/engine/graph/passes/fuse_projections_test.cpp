#include <verge/engine/graph/passes/fuse_projections.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FuseProjections : public ::testing::Test {
 protected:
  FuseProjections() : b("block") { x = b.input("x", {DType::F32, {Dim(1, b.symbol("n", 5)), 8}}); }

  ValueId weight(const std::string& name, int64_t rows, DType dtype = DType::F32) {
    return b.param(name, {dtype, {rows, 8}});
  }
  Graph check() {
    const Graph before = *b.finish();
    Graph after = fuse_projections(before);
    support::expect_same_results(before, after, {3});
    return after;
  }

  Builder b;
  ValueId x;
};

TEST_F(FuseProjections, QueryKeyAndValueBecomeOneNode) {
  const ValueId bias = b.param("bias", {DType::F32, {8}});
  b.output(b.op("linear", {x, weight("q", 8), bias}), "query");
  b.output(b.op("linear", {x, weight("k", 4)}), "key");
  b.output(b.op("linear", {x, weight("v", 4)}), "value");
  const Graph after = check();
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].op->name, "linear_multi");
}

TEST_F(FuseProjections, GateUpAndTheirProductBecomeOneNode) {
  for (const std::string op : {"swiglu", "geglu"}) {
    const ValueId gate = b.op("linear", {x, weight(op + ".gate", 6)});
    b.output(b.op(op, {gate, b.op("linear", {x, weight(op + ".up", 6)})}), op);
  }
  const Graph after = check();
  ASSERT_EQ(after.nodes.size(), 2u);
  for (const Node& node : after.nodes) EXPECT_EQ(node.op->name, "linear_glu");
  EXPECT_EQ(after.nodes[0].attrs.text("activation"), "silu");
  EXPECT_EQ(after.nodes[1].attrs.text("activation"), "gelu");
}

TEST_F(FuseProjections, TrainedWeightsOtherTypesAndPhasesStayAlone) {
  b.output(b.op("linear", {x, weight("frozen", 8)}), "a");
  const ValueId trained = weight("trained", 8);
  b.graph().value(trained).is_trainable = true;
  b.output(b.op("linear", {x, trained}), "b");
  b.output(b.op("linear", {x, weight("half", 8, DType::F16)}), "c");
  b.output(b.op("linear", {x, weight("bf16", 8)}, {{"compute", std::string("bf16")}}), "d");
  b.phase(Phase::Backward);
  b.output(b.op("linear", {x, weight("again", 8)}), "e");
  EXPECT_EQ(count_of(check(), "linear"), 5);
}

}  // namespace
}  // namespace verge::graph
