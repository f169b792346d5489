#include <algorithm>
#include <numbers>

#include <verge/engine/graph/passes/canonicalise.hpp>
#include <verge/engine/graph/passes/common_subexpressions.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_activations.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

// Chains as exporters write them, on an x that is negative here and there.
class FuseActivations : public ::testing::Test {
 protected:
  FuseActivations() : b("net") {
    input = b.input("input", {DType::F32, {2, 3, 4, 5}});
    x = b.op("tanh", {b.op("scale", {input}, {{"factor", 9.0}, {"offset", -5.0}})});
    x = b.op("maximum", {b.op("log", {input}), x});
  }

  ValueId number(double value) {
    const std::string name = fmt::format("c{}", b.graph().values.size());
    return b.constant(name, support::constants({}, {value}));
  }
  ValueId add(ValueId a, double c) { return b.op("add", {a, number(c)}); }
  ValueId mul(ValueId a, double c) { return b.op("mul", {a, number(c)}); }
  ValueId mul(ValueId a, ValueId c) { return b.op("mul", {a, c}); }
  ValueId div(ValueId a, double c) { return b.op("div", {a, number(c)}); }
  ValueId clip(ValueId a, double low, double high) {
    return b.op("clip", {a}, {{"min", low}, {"max", high}});
  }
  ValueId one_plus_erf(double root = std::numbers::sqrt2) {
    return add(b.op("erf", {div(x, root)}), 1);
  }
  ValueId one_plus_tanh(ValueId u) { return add(b.op("tanh", {u}), 1); }

  Graph finished() { return dead_code(common_subexpressions(canonicalise(*b.finish()))); }

  // y has become this one node behind x.
  Graph expect_fused(ValueId y, std::string_view op, size_t more_nodes = 1) {
    b.output(b.op("exp", {y}), "y");
    const Graph before = finished();
    Graph after = fuse_activations(before);
    support::expect_same_results(before, after);
    EXPECT_EQ(after.nodes.size(), 5 + more_nodes);
    EXPECT_EQ(support::count_of(after, op), 1);
    return after;
  }

  static std::string gelu_form(const Graph& graph) {
    const auto gelu =
        std::ranges::find_if(graph.nodes, [](const Node& node) { return node.op->name == "gelu"; });
    return gelu == graph.nodes.end() ? "" : std::string(gelu->attrs.text("approximate"));
  }

  Builder b;
  ValueId input, x;
};

TEST_F(FuseActivations, HardsigmoidOfARelu6) {
  expect_fused(div(clip(add(x, 3), 0, 6), 6), "hsigmoid");
}
TEST_F(FuseActivations, HardsigmoidOfALine) {
  expect_fused(clip(add(mul(x, 0.1666666716337204), 0.5), 0, 1), "hsigmoid");
}
TEST_F(FuseActivations, HardsigmoidOfAnotherHeight) {
  expect_fused(clip(add(mul(x, 0.5), 1.25), -0.25, 2.75), "hsigmoid", 2);
}
TEST_F(FuseActivations, HardswishDividedAtTheEnd) {
  expect_fused(div(mul(x, clip(add(x, 3), 0, 6)), 6), "hswish");
}
TEST_F(FuseActivations, HardswishDividedBefore) {
  expect_fused(mul(div(clip(add(x, 3), 0, 6), 6), x), "hswish");
}
TEST_F(FuseActivations, HardswishByItsGate) {
  expect_fused(mul(x, b.op("hsigmoid", {x})), "hswish");
}
TEST_F(FuseActivations, HardswishThatIsScaledFurther) {
  expect_fused(add(mul(div(mul(x, clip(add(x, 3), 0, 6)), 6), 0.3), 0.1), "hswish", 2);
}
TEST_F(FuseActivations, Silu) {
  expect_fused(mul(b.op("sigmoid", {mul(x, 1.0)}), x), "silu");
}
TEST_F(FuseActivations, SiluOfAScaledValue) {
  x = mul(x, 2.0);
  expect_fused(mul(x, b.op("sigmoid", {x})), "silu", 2);
}

TEST_F(FuseActivations, GeluHalvedAtTheEnd) {
  const Graph after = expect_fused(mul(mul(x, one_plus_erf()), 0.5), "gelu");
  EXPECT_EQ(gelu_form(after), "none");
}
TEST_F(FuseActivations, GeluOfHalfOfX) {
  expect_fused(mul(mul(x, 0.5), one_plus_erf()), "gelu");
}
TEST_F(FuseActivations, GeluByAHalvedSum) {
  expect_fused(mul(mul(one_plus_erf(1.4142135381698608), 0.5), x), "gelu");
}
TEST_F(FuseActivations, GeluByTanhOfAPower) {
  const ValueId cube = b.op("pow", {x, number(3)});
  const ValueId u = mul(b.op("add", {x, mul(cube, 0.044715)}), 0.7978845608);
  const Graph after = expect_fused(mul(mul(x, 0.5), one_plus_tanh(u)), "gelu");
  EXPECT_EQ(gelu_form(after), "tanh");
}
TEST_F(FuseActivations, GeluByTanhOfProducts) {
  const ValueId u = mul(mul(x, 0.79788), add(mul(mul(x, x), 0.044715), 1));
  expect_fused(mul(mul(x, one_plus_tanh(u)), 0.5), "gelu");
}
TEST_F(FuseActivations, GeluByTanhOfACubeByHand) {
  const ValueId u = mul(b.op("add", {mul(mul(mul(x, x), x), 0.044715), x}), 0.7978845608);
  expect_fused(mul(x, mul(one_plus_tanh(u), 0.5)), "gelu");
}

TEST_F(FuseActivations, WhatOnlyLooksLikeOneStays) {
  const ValueId other = b.op("sigmoid", {input});
  const ValueId chains[] = {
      clip(add(mul(x, 0.2), 0.5), 0, 1),  // a hardsigmoid of another slope
      clip(add(x, 2), 0, 6),              // rises from -2
      mul(x, other),                      // a gate of something else
      mul(x, add(b.op("erf", {x}), 1)),   // no division by sqrt(2)
      mul(x, add(b.op("erf", {div(x, 1.41421356)}), 0.5)),
      one_plus_tanh(mul(x, 0.7978845608)),
  };
  ValueId sum = x;
  for (const ValueId chain : chains) sum = b.op("add", {sum, chain});
  b.output(sum, "y");
  const Graph before = finished();
  const Graph after = fuse_activations(before);
  EXPECT_EQ(after.nodes.size(), before.nodes.size());
  for (const char* op : {"hsigmoid", "hswish", "silu", "gelu"}) {
    EXPECT_EQ(support::count_of(after, op), 0) << op;
  }
}

TEST_F(FuseActivations, WhatOthersReadStays) {
  const ValueId gate = b.op("sigmoid", {x});
  b.output(gate, "gate");
  const ValueId shifted = add(x, 3);
  b.output(b.op("add", {shifted, clip(shifted, 0, 6)}), "z");
  b.output(mul(x, gate), "y");
  const Graph before = finished();
  EXPECT_EQ(fuse_activations(before).nodes.size(), before.nodes.size());
}

TEST_F(FuseActivations, MasksOfGradientsAndScalesOfOutputsStay) {
  const std::vector<ValueId> clipped = b.op_all("clip", {add(x, 3)}, {{"min", 0.0}, {"max", 6.0}});
  b.output(b.op("apply_mask", {clipped[0], clipped[1]}), "masked");
  b.output(mul(b.op("hsigmoid", {x}), 6.0), "six");
  b.output(div(clipped[0], 6), "y");
  const Graph before = finished();
  const Graph after = fuse_activations(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(support::count_of(after, "clip"), 1);
}

}  // namespace
}  // namespace verge::graph
