#include <verge/engine/graph/passes/fuse_norm.hpp>
#include <verge/engine/graph/passes/fuse_projections.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FuseNorm : public ::testing::Test {
 protected:
  FuseNorm() : b("block") {
    x = b.input("x", {DType::F32, {Dim(1, b.symbol("n", 5)), 8}});
    norm_weight = b.param("norm", {DType::F32, {8}});
    normed = b.op("rms_norm", {x, norm_weight}, {{"eps", 1e-3}});
  }

  ValueId weight(const std::string& name, int64_t rows) {
    return b.param(name, {DType::F32, {rows, 8}});
  }
  Graph check() {
    const Graph before = fuse_projections(*b.finish());
    Graph after = fuse_norm(before);
    support::expect_same_results(before, after, {3});
    return after;
  }

  Builder b;
  ValueId x, norm_weight, normed;
};

TEST_F(FuseNorm, BecomesPartOfOneProduct) {
  b.output(b.op("linear", {normed, weight("w", 4)}), "y");
  const Graph after = check();
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].op->name, "linear");
  EXPECT_EQ(after.nodes[0].inputs.size(), 5u);
  EXPECT_EQ(after.nodes[0].attrs.real("norm_eps"), 1e-3);
}

TEST_F(FuseNorm, KeepsTheBias) {
  const ValueId bias = b.param("bias", {DType::F32, {8}});
  b.output(b.op("linear", {normed, weight("w", 8), bias}), "y");
  EXPECT_EQ(check().nodes.size(), 1u);
}

// The result may lie in the residual's memory while others still normalise what is there.
TEST_F(FuseNorm, StaysBeforeAResidual) {
  b.output(b.op("linear", {normed, weight("w", 8), kNone, x}), "y");
  EXPECT_EQ(count_of(check(), "rms_norm"), 1);
}

TEST_F(FuseNorm, BecomesPartOfQueryKeyAndValue) {
  const ValueId bias = b.param("bias", {DType::F32, {4}});
  b.output(b.op("linear", {normed, weight("q", 8)}), "query");
  b.output(b.op("linear", {normed, weight("k", 4), bias}), "key");
  b.output(b.op("linear", {normed, weight("v", 4)}), "value");
  const Graph after = check();
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].op->name, "linear_multi");
}

TEST_F(FuseNorm, BecomesPartOfGateAndUp) {
  const ValueId gate = b.op("linear", {normed, weight("gate", 6)});
  b.output(b.op("swiglu", {gate, b.op("linear", {normed, weight("up", 6)})}), "y");
  const Graph after = check();
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].op->name, "linear_glu");
}

TEST_F(FuseNorm, StaysWhereOthersReadIt) {
  b.output(b.op("linear", {normed, weight("w", 8), kNone, normed}), "y");
  EXPECT_EQ(count_of(check(), "rms_norm"), 1);
}

TEST_F(FuseNorm, StaysWhereItIsAnOutput) {
  b.output(b.op("linear", {normed, weight("w", 8)}), "y");
  b.output(normed, "normed");
  EXPECT_EQ(count_of(check(), "rms_norm"), 1);
}

TEST_F(FuseNorm, StaysInTrainingAndBeforeFloatActivations) {
  const ValueId trained = weight("trained", 8);
  b.graph().value(trained).is_trainable = true;
  b.output(b.op("linear", {normed, trained}), "y");
  const ValueId again = b.op("rms_norm", {x, norm_weight}, {{"eps", 1e-3}});
  b.output(b.op("linear", {again, weight("w", 8)}, {{"activation", "silu"}}), "z");
  const ValueId third = b.op("rms_norm", {x, norm_weight}, {{"eps", 1e-3}});
  b.phase(Phase::Backward);
  b.output(b.op("linear", {third, weight("v", 8)}), "w_y");
  EXPECT_EQ(count_of(check(), "rms_norm"), 3);
}

TEST_F(FuseNorm, StaysWithoutAWeight) {
  b.output(b.op("linear", {normed, weight("w", 8)}), "y");
  b.output(b.op("linear", {b.op("rms_norm", {x}, {{"eps", 1e-3}}), weight("v", 8)}), "z");
  EXPECT_EQ(count_of(check(), "rms_norm"), 1);
}

}  // namespace
}  // namespace verge::graph
