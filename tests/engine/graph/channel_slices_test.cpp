// Gradients and updates of single channels: equal to those of the whole tensor, for less work and
// less memory.

#include <algorithm>
#include <numeric>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/graph/planner.hpp>

#include "op_check.hpp"
#include "pass_check.hpp"

namespace verge::support {
namespace {

using graph::Builder;
using graph::ChannelSlices;
using graph::Graph;
using graph::Phase;
using graph::ValueId;
using List = std::vector<int64_t>;

constexpr DType kWide = DType::F64;

// A plain and a depthwise convolution and a linear head.
struct Network {
  Builder b{"network"};
  ValueId plain, depthwise, head, loss;

  Network() {
    plain = b.param("plain", {kWide, {6, 5, 3, 3}});
    depthwise = b.param("depthwise", {kWide, {6, 1, 3, 3}});
    head = b.param("head", {kWide, {4, 6}});
    const graph::Attrs pads{{"pads", List{1, 1, 1, 1}}};
    ValueId x = b.op("relu", {b.input("x", {kWide, {2, 5, 4, 4}})});
    x = b.op("relu", {b.op("conv2d", {x, plain}, pads)});
    x = b.op("conv2d", {x, depthwise}, {{"pads", List{1, 1, 1, 1}}, {"groups", int64_t{6}}});
    x = b.op("linear", {b.op("global_avg_pool", {b.op("relu", {x})}), head});
    loss = b.op("softmax_cross_entropy", {x, b.input("labels", {DType::I32, {2}})});
    b.output(loss, "loss");
  }

  ChannelSlices slices() const {
    return {{plain, {1, {0, 3}}}, {depthwise, {0, {1, 2, 5}}}, {head, {1, {4}}}};
  }
  std::vector<ValueId> weights() const { return {plain, depthwise, head}; }
};

void give_values(GraphRunner& runner, const Graph& graph) {
  Rng rng(7);
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::Param && value.name != "x") continue;
    std::vector<double> values;
    for (int64_t i = graph.bound_shape(value.type).count(); i > 0; --i) {
      values.push_back(rng.normal());
    }
    runner.set(value.name, values);
  }
  runner.set("labels", {1, 3});
}

// The elements of a tensor whose index along the axis is one of the channels.
std::vector<double> channels_of(const std::vector<double>& all, const Shape& shape,
                                const graph::ChannelSlice& slice) {
  int64_t inner = 1;
  for (int i = static_cast<int>(slice.axis) + 1; i < shape.rank(); ++i) inner *= shape[i];
  std::vector<double> part;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto channel = static_cast<int64_t>(i) / inner % shape[static_cast<int>(slice.axis)];
    if (std::ranges::find(slice.channels, channel) != slice.channels.end()) part.push_back(all[i]);
  }
  return part;
}

TEST(ChannelSlices, GradientsAreThoseOfTheWholeTensor) {
  Network network;
  const Graph forward = *network.b.finish();
  const auto whole = graph::differentiate(forward, network.loss, network.weights());
  const auto sliced =
      graph::differentiate(forward, network.loss, network.weights(), network.slices());
  ASSERT_TRUE(whole && sliced) << sliced.error().message;
  ASSERT_TRUE(graph::verify(sliced->graph));
  GraphRunner wanted(whole->graph), found(sliced->graph);
  give_values(wanted, whole->graph);
  give_values(found, sliced->graph);
  wanted.run();
  found.run();
  for (size_t i = 0; i < network.weights().size(); ++i) {
    const ValueId id = network.weights()[i];
    EXPECT_EQ(found.get(sliced->gradients[i]),
              channels_of(wanted.get(whole->gradients[i]),
                          forward.bound_shape(forward.value(id).type), network.slices().at(id)))
        << forward.value(id).name;
  }
}

TEST(ChannelSlices, EveryOptimizerMovesThoseChannelsAsIfAllMoved) {
  using graph::OptimizerKind;
  for (const OptimizerKind kind : {OptimizerKind::AdamW, OptimizerKind::Sgd, OptimizerKind::Lion}) {
    Network network;
    const Graph forward = *network.b.finish();
    const graph::OptimizerSpec spec{.kind = kind, .momentum = 0.9, .weight_decay = 0.1};
    const auto step_of = [&](ChannelSlices slices) {
      auto joint = graph::differentiate(forward, network.loss, network.weights(), slices);
      return *graph::add_updates(std::move(*joint), network.weights(), spec);
    };
    const Graph whole = step_of({}), sliced = step_of(network.slices());
    const auto checked = graph::verify(sliced);
    ASSERT_TRUE(checked) << checked.error().message;
    GraphRunner wanted(whole), found(sliced);
    for (const auto& [runner, step] : {std::pair(&wanted, &whole), std::pair(&found, &sliced)}) {
      give_values(*runner, *step);
      runner->set("lr", {0.01});
      if (step->find("step") != graph::kNone) runner->set("step", {1});
    }
    const auto before = found.get("plain");
    wanted.run();
    found.run();
    for (const ValueId id : network.weights()) {
      const std::string& name = forward.value(id).name;
      const Shape shape = forward.bound_shape(forward.value(id).type);
      expect_near(channels_of(found.get(name), shape, network.slices().at(id)),
                  channels_of(wanted.get(name), shape, network.slices().at(id)));
    }
    EXPECT_EQ(channels_of(found.get("plain"), {6, 5, 3, 3}, {1, {1, 2, 4}}),
              channels_of(before, {6, 5, 3, 3}, {1, {1, 2, 4}}));
    if (kind == OptimizerKind::AdamW) {
      EXPECT_EQ(sliced.bound_shape(sliced.value(sliced.find("plain.m")).type), Shape({6, 2, 3, 3}));
    }
  }
}

// Work and storage shrink with the slice: a product of n of its input channels, and nothing more of
// x than those until backward.
TEST(ChannelSlices, WorkAndMemoryAreTheSlices) {
  const auto build = [](int64_t channels) {
    Builder b("wide");
    const ValueId w = b.param("w", {kWide, {8, 16, 1, 1}});
    ValueId x = b.op("sigmoid", {b.input("x", {kWide, {1, 16, 32, 32}})});
    x = b.op("conv2d", {x, w});
    x = b.op("conv2d", {x, b.param("frozen", {kWide, {8, 8, 1, 1}})});
    const ValueId loss = b.op("softmax_cross_entropy",
                              {b.op("global_avg_pool", {x}), b.input("labels", {DType::I32, {1}})});
    ChannelSlices slices;
    if (channels < 16) {
      slices[w].channels.resize(static_cast<size_t>(channels));
      std::iota(slices[w].channels.begin(), slices[w].channels.end(), 0);
    }
    return graph::differentiate(*b.finish(), loss, {w}, slices)->graph;
  };
  double work[2] = {};
  int64_t saved[2] = {};
  for (int i = 0; i < 2; ++i) {
    const Graph graph = build(i == 0 ? 16 : 4);
    const graph::MemoryPlan plan = graph::plan_memory(graph);
    const auto live = graph::live_bytes(plan, graph.nodes.size());
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const graph::Node& node = graph.nodes[n];
      if (node.op->name == "conv2d_grad_weight") work[i] = graph::cost_of(graph, node).flops;
      if (node.op->name == "global_avg_pool") saved[i] = live[n];
    }
  }
  EXPECT_EQ(work[1] * 4, work[0]);
  EXPECT_EQ(saved[0] - saved[1], (16 - 4) * 32 * 32 * 8);
}

TEST(ChannelSlices, WhatCannotBeSlicedIsNamed) {
  Builder b("grouped");
  b.source("stem");
  const ValueId w = b.param("w", {kWide, {4, 2, 1, 1}});
  const ValueId x =
      b.op("conv2d", {b.input("x", {kWide, {1, 4, 2, 2}}), w}, {{"groups", int64_t{2}}});
  const ValueId loss = b.op("reduce_sum", {x}, {{"axes", List{0, 1, 2, 3}}});
  const auto joint = graph::differentiate(*b.finish(), loss, {w}, {{w, {1, {0}}}});
  ASSERT_FALSE(joint);
  EXPECT_NE(joint.error().message.find("conv2d (stem)"), std::string::npos);

  Builder c("norm");
  c.source("blk.0");
  const ValueId scale = c.param("scale", {kWide, {3}});
  const ValueId y = c.op("rms_norm", {c.input("x", {kWide, {2, 3}}), scale}, {{"eps", 1e-5}});
  const ValueId sum = c.op("reduce_sum", {y}, {{"axes", List{0, 1}}});
  const auto refused = graph::differentiate(*c.finish(), sum, {scale}, {{scale, {0, {0}}}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("(blk.0): no gradient of single channels of scale"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::support
