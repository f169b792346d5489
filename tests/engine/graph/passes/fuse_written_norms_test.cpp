#include <verge/engine/graph/passes/fuse_written_norms.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

class FuseWrittenNorms : public ::testing::Test {
 protected:
  FuseWrittenNorms() : b("net") {
    x = b.input("x", {DType::F32, {2, 3, 8}});
    weight = b.param("weight", {DType::F32, {8}});
    bias = b.param("bias", {DType::F32, {8}});
  }

  ValueId mean(ValueId v, int64_t axis = 2) {
    return b.op("reduce_mean", {v}, {{"axes", std::vector<int64_t>{axis}}, {"keep", int64_t{1}}});
  }
  ValueId centred(int64_t axis = 2) { return b.op("sub", {x, mean(x, axis)}); }
  ValueId root(ValueId d, int64_t axis = 2) {
    const ValueId variance = mean(b.op("mul", {d, d}), axis);
    return b.op("sqrt", {b.op("scale", {variance}, {{"factor", 1.0}, {"offset", 1e-3}})});
  }
  ValueId normed(int64_t axis = 2) {
    const ValueId d = centred(axis);
    return b.op("div", {d, root(d, axis)});
  }
  Graph check(ValueId y) {
    b.output(y, "y");
    const Graph before = *b.finish();
    Graph after = fuse_written_norms(before);
    support::expect_same_results(before, after);
    return after;
  }

  Builder b;
  ValueId x, weight, bias;
};

TEST_F(FuseWrittenNorms, LayerNormWithWeightAndBias) {
  const Graph after = check(b.op("add", {b.op("mul", {normed(), weight}), bias}));
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].op->name, "layer_norm");
  EXPECT_EQ(after.nodes[0].attrs.real("eps"), 1e-3);
  EXPECT_EQ(after.value(after.nodes[0].inputs[2]).name, "bias");
}

TEST_F(FuseWrittenNorms, LayerNormAlone) {
  EXPECT_EQ(check(normed()).nodes.size(), 1u);
}

TEST_F(FuseWrittenNorms, LayerNormByReciprocals) {
  const ValueId d = centred();
  const ValueId one = b.constant("one", support::constants({}, {1}));
  const ValueId first = b.op("mul", {b.op("div", {one, root(d)}), d});
  EXPECT_EQ(check(b.op("mul", {weight, first})).nodes.size(), 1u);
}

TEST_F(FuseWrittenNorms, RmsNorm) {
  const Graph after = check(b.op("mul", {weight, b.op("div", {x, root(x)})}));
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].op->name, "rms_norm");
}

TEST_F(FuseWrittenNorms, Softmax) {
  const Attrs rows = {{"axes", std::vector<int64_t>{-1}}, {"keep", int64_t{1}}};
  const ValueId powers = b.op("exp", {b.op("sub", {x, b.op("reduce_max", {x}, rows)})});
  const ValueId y = b.op("div", {powers, b.op("reduce_sum", {powers}, rows)});
  const ValueId again = b.op("exp", {y});
  const Graph after = check(b.op("div", {again, b.op("reduce_sum", {again}, rows)}));
  EXPECT_EQ(support::count_of(after, "softmax"), 2);
  EXPECT_EQ(after.nodes.size(), 2u);
}

TEST_F(FuseWrittenNorms, OtherAxesAndRootsThatOthersReadStay) {
  const ValueId d = centred(), shared = root(d);
  b.output(shared, "root");
  b.output(b.op("div", {d, shared}), "kept");
  const ValueId uneven = b.op("div", {centred(), root(x)});  // of other values
  const Graph after = check(b.op("add", {normed(1), uneven}));
  EXPECT_EQ(support::count_of(after, "layer_norm"), 0);
  EXPECT_EQ(support::count_of(after, "rms_norm"), 0);
}

TEST_F(FuseWrittenNorms, WeightsThatAreNoRowStay) {
  const ValueId column = b.param("column", {DType::F32, {3, 1}});
  const Graph after = check(b.op("add", {b.op("mul", {normed(), column}), bias}));
  EXPECT_EQ(support::count_of(after, "layer_norm"), 1);
  EXPECT_EQ(support::count_of(after, "mul"), 1);
  EXPECT_EQ(support::count_of(after, "add"), 1);
}

}  // namespace
}  // namespace verge::graph
