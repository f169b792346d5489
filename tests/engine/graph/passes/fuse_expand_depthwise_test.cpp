#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/fuse_expand_depthwise.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

// Two inverted blocks without their last convolutions, of which `trained` says what learns.
struct Network {
  Builder b{"blocks"};
  std::vector<ValueId> biases;
  ValueId loss;

  Network() {
    ValueId x = b.input("x", {DType::I8, {2, 2, 6, 6}});
    for (int i = 0; i < 2; ++i) {
      const int64_t channels = i == 0 ? 2 : 6;
      x = conv(x, fmt::format("expand{}", i), {6, channels, 1, 1}, {});
      x = conv(x, fmt::format("depthwise{}", i), {6, 1, 3, 3},
               {{"groups", int64_t{6}},
                {"pads", std::vector<int64_t>{1, 1, 1, 1}},
                {"x_zero", int64_t{-3}}});
    }
    const ValueId y = b.op("dequantize", {x}, {{"scale", 0.5}});
    loss = b.op("reduce_sum", {y}, {{"axes", std::vector<int64_t>{0, 1, 2, 3}}});
    b.output(loss, "loss");
  }

  ValueId conv(ValueId x, const std::string& name, Dims w, Attrs attrs) {
    attrs.set("y_zero", int64_t{-3});
    attrs.set("high", int64_t{90});
    biases.push_back(b.param(name + ".bias", {DType::I32, {6}}));
    return b.op("conv2d_int8",
                {x, b.param(name, {DType::I8, w}), biases.back(),
                 b.param(name + ".multiplier", {DType::F32, {6}})},
                attrs);
  }

  Graph trained(const std::vector<ValueId>& params) {
    return *add_updates(*differentiate(*b.finish(), loss, params), params,
                        {.kind = OptimizerKind::Sgd});
  }
};

TEST(FuseExpandDepthwise, JoinsWhatIsFrozen) {
  Network network;
  const Graph before = network.trained({network.biases[3]});
  const Graph after = fuse_expand_depthwise(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "expand_depthwise_int8"), 2);
  EXPECT_EQ(count_of(after, "conv2d_int8"), 0);
}

TEST(FuseExpandDepthwise, LeavesWhatAGradientNeeds) {
  Network network;
  const Graph before = network.trained({network.biases[2]});
  const Graph after = fuse_expand_depthwise(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "expand_depthwise_int8"), 1);
  EXPECT_EQ(count_of(after, "conv2d_int8"), 2);
}

TEST(FuseExpandDepthwise, LeavesInferenceAlone) {
  Network network;
  const Graph graph = *network.b.finish();
  EXPECT_EQ(fuse_expand_depthwise(graph).nodes.size(), graph.nodes.size());
}

}  // namespace
}  // namespace verge::graph
