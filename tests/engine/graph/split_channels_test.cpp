#include <verge/engine/graph/split_channels.hpp>

#include "op_check.hpp"
#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::GraphRunner;

// A convolution whose weight learns in two of its four input channels, and one behind it.
struct Network {
  Builder b{"net"};
  ValueId w, second, loss;

  Network() {
    w = b.param("w", {DType::F32, {3, 4, 3, 3}});
    second = b.param("second", {DType::F32, {2, 3, 1, 1}});
    const ValueId y = b.op("conv2d", {b.input("x", {DType::F32, {2, 4, 5, 5}}), w});
    const ValueId z = b.op("conv2d", {b.op("relu", {y}), second});
    loss = b.op("reduce_mean", {b.op("mul", {z, z})}, {{"axes", std::vector<int64_t>{0, 1, 2, 3}}});
    b.output(loss, "loss");
  }
};

const ChannelSlice kSlice = {1, {1, 3}};

Graph step_of(const Graph& forward, ValueId loss, const std::vector<ValueId>& trainable,
              const ChannelSlices& slices) {
  return *add_updates(*differentiate(forward, loss, trainable, slices), trainable,
                      {.kind = OptimizerKind::Sgd});
}

std::vector<double> sliced(const std::vector<double>& w) {
  std::vector<double> part;
  for (size_t i = 0; i < w.size(); ++i) {
    const size_t channel = i / 9 % 4;
    if (channel == 1 || channel == 3) part.push_back(w[i]);
  }
  return part;
}

// The channels take the same step wherever they lie.
TEST(SplitChannels, LearnAsChannelsOfTheWholeDo) {
  Network network;
  const Graph forward = *network.b.finish();
  const std::vector<ValueId> trainable = {network.w, network.second};
  const auto split = split_channels(forward, trainable, {{network.w, kSlice}}, {});
  ASSERT_TRUE(split) << split.error().message;
  const Status status = verify(split->graph);
  ASSERT_TRUE(status) << status.error().message;
  const Graph whole = step_of(forward, network.loss, trainable, {{network.w, kSlice}});
  const Graph part = step_of(split->graph, network.loss, split->trainable, split->slices);
  GraphRunner wholes = support::run_on_random_values(whole, {});
  GraphRunner parts(part);
  for (const char* name : {"x", "w", "second", "lr"}) {
    Rng rng(std::hash<std::string>{}(name));
    std::vector<double> values;
    for (int64_t i = parts.tensor(name).shape.count(); i > 0; --i) {
      values.push_back(rng.uniform() + 0.1);
    }
    parts.set(name, values);
  }
  const std::vector<double> before = parts.get("w");
  parts.set("w.channels", sliced(before));
  parts.run();
  EXPECT_EQ(parts.get("w"), before);  // frozen
  EXPECT_NE(parts.get("w.channels"), sliced(before));
  support::expect_near(parts.get("w.channels"), sliced(wholes.get("w")), 1e-6);
  support::expect_near(parts.get("second"), wholes.get("second"), 1e-6);
  support::expect_near(parts.get("loss"), wholes.get("loss"), 1e-6);
}

TEST(SplitChannels, AreFoundByTheirName) {
  Network network;
  const auto split = split_channels(*network.b.finish(), {network.w}, {{network.w, kSlice}}, {});
  ASSERT_TRUE(split);
  EXPECT_EQ(split_slice(split->graph, channels_name("w")), kSlice);
  EXPECT_FALSE(split_slice(split->graph, "w"));
  EXPECT_FALSE(split_slice(split->graph, channels_name("second")));
}

TEST(SplitChannels, OtherAxesStayWhole) {
  Network network;
  const ChannelSlice rows = {0, {1}};
  const auto split = split_channels(*network.b.finish(), {network.w}, {{network.w, rows}}, {});
  ASSERT_TRUE(split);
  EXPECT_EQ(split->trainable, std::vector<ValueId>{network.w});
  EXPECT_EQ(split->slices.at(network.w), rows);
}

}  // namespace
}  // namespace verge::graph
