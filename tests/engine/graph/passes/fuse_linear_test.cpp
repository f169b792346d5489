#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_linear.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FuseLinear : public ::testing::Test {
 protected:
  FuseLinear() : b("layer") { x = b.input("x", {DType::F32, {Dim(1, b.symbol("n", 5)), 8}}); }

  ValueId linear(ValueId input) {
    const std::string name = fmt::format("w{}", b.graph().values.size());
    return b.op("linear", {input, b.param(name, {weight, {8, 8}})});
  }
  Graph check(ValueId y) {
    b.output(y, "y");
    Graph before = *b.finish();
    before = dead_code(std::move(before));  // masks that nobody reads
    Graph after = fuse_linear(before);
    if (!is_quantized(weight)) support::expect_same_results(before, after, {3});
    return after;
  }

  Builder b;
  ValueId x;
  DType weight = DType::F32;
};

TEST_F(FuseLinear, BiasAndResidualBecomeInputs) {
  const ValueId bias = b.param("bias", {DType::F32, {8}});
  const ValueId y = b.op("add", {bias, linear(x)});
  const Graph after = check(b.op("add", {x, y}));
  ASSERT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.nodes[0].inputs[2], after.find("bias"));
  EXPECT_EQ(after.nodes[0].inputs[3], after.find("x"));
}

TEST_F(FuseLinear, ActivationsBecomeEpilogues) {
  ValueId y = x;
  for (const char* op : {"relu", "silu", "gelu"}) y = b.op(op, {linear(y)});
  y = b.op("gelu", {linear(y)}, {{"approximate", std::string("none")}});
  const Graph after = check(y);
  ASSERT_EQ(after.nodes.size(), 4u);
  EXPECT_EQ(after.nodes[0].attrs.text("activation"), "relu");
  EXPECT_EQ(after.nodes[3].attrs.text("activation"), "gelu_erf");
}

TEST_F(FuseLinear, ProductsThatOthersReadStay) {
  const ValueId y = linear(x);
  EXPECT_EQ(check(b.op("add", {b.op("silu", {y}), y})).nodes.size(), 3u);
}

TEST_F(FuseLinear, ResidualsComputedLaterAndBackwardReadersStay) {
  const ValueId y = linear(x), later = b.op("exp", {x});
  const ValueId sum = b.op("add", {y, later});
  const ValueId z = linear(sum);
  b.phase(Phase::Backward);
  EXPECT_EQ(check(b.op("add", {z, x})).nodes.size(), 5u);
}

TEST_F(FuseLinear, QuantizedProductsTakeNoActivation) {
  weight = DType::Q8_0;
  x = b.input("wide", {DType::F32, {2, 32}});
  const ValueId w = b.param("w", {weight, {8, 32}});
  EXPECT_EQ(check(b.op("silu", {b.op("linear", {x, w})})).nodes.size(), 2u);
}

}  // namespace
}  // namespace verge::graph
