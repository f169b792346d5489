#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/nn/level_network.hpp>

#include "graph_runner.hpp"
#include "mcunet.hpp"
#include "pass_check.hpp"

namespace verge::nn {
namespace {

using graph::Graph;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;
using support::GraphRunner;

TEST(LevelForm, HoldsTheRangeAndZero) {
  const LevelForm form = level_form({-1, 3});
  EXPECT_NEAR(form.scale, 4 / 255.0, 1e-6);
  EXPECT_EQ(form.zero, -64);
  EXPECT_EQ(level_form({0, 6}).zero, -128);
  EXPECT_EQ(level_form({2, 6}).zero, -128);  // 0 is a level, too
  EXPECT_EQ(level_form({-5, -1}).zero, 127);
  EXPECT_EQ(level_form({0, 0}).scale, 1);
  EXPECT_EQ(level_form({0, 1e-43f}).scale, 1);  // no quotient by a 255th of it is a number
  EXPECT_NEAR(level_form({-3e38f, 3e38f}).scale, 6e38 / 255, 1e31);
}

// A CNN with batch norm, ReLU and pools, and its values.
struct Trained {
  CnnConfig config{.channels = 1, .height = 8, .width = 8, .classes = 4, .stages = {{6}, {8, 8}}};
  Graph graph = build_cnn(config, 2).value();
  std::map<std::string, std::vector<float>> weights;
  std::vector<double> images;

  Trained() {
    Rng rng(3);
    for (const Value& value : graph.values) {
      if (value.kind != ValueKind::Param) continue;
      const bool is_variance = value.name.ends_with("variance"),
                 is_weight = value.type.dims.size() > 1;
      for (int64_t i = graph.bound_shape(value.type).count(); i > 0; --i) {
        weights[value.name].push_back(is_variance ? 0.5f + rng.uniform()
                                      : is_weight ? 0.4f * rng.normal()
                                                  : 0.5f + 0.2f * rng.normal());
      }
    }
    for (int i = 0; i < 2 * 64; ++i) images.push_back(rng.uniform());
  }

  std::vector<float> values(const std::string& name) const { return weights.at(name); }

  GraphRunner run() const {
    GraphRunner runner(graph);
    for (const auto& [name, values] : weights) runner.set(name, {values.begin(), values.end()});
    runner.set("images", images);
    runner.run();
    return runner;
  }

  ValueRanges ranges() const {
    const GraphRunner runner = run();
    ValueRanges ranges;
    for (const std::string& name : ranged_values(graph, "images")) {
      const std::vector<double> values = runner.get(name);
      const auto [least, most] = std::ranges::minmax(values);
      ranges[name] = {static_cast<float>(least), static_cast<float>(most)};
    }
    return ranges;
  }

  Result<LevelNetwork> levels() const {
    return to_levels(
        graph, graph.find("logits"), "images",
        [this](const std::string& name) { return values(name); }, ranges());
  }
};

std::vector<double> run_levels(const LevelNetwork& net, const std::vector<double>& images) {
  GraphRunner runner(net.graph);
  for (const auto& [name, tensor] : net.weights) runner.set(name, graph::load(tensor.view()));
  std::vector<double> levels;
  for (const double x : images) {
    levels.push_back(
        std::clamp(std::nearbyint(x / double{net.input.scale}) + net.input.zero, -128.0, 127.0));
  }
  runner.set("images", levels);
  runner.run();
  return runner.get("logits");
}

TEST(LevelNetwork, AnswersAsTheRealNetworkDoes) {
  const Trained trained;
  const auto net = trained.levels();
  ASSERT_TRUE(net) << net.error().message;
  const std::vector<double> wanted = trained.run().get("logits");
  const std::vector<double> found = run_levels(*net, trained.images);
  ASSERT_EQ(found.size(), wanted.size());
  double error = 0, size = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    error += (found[i] - wanted[i]) * (found[i] - wanted[i]);
    size += wanted[i] * wanted[i];
  }
  EXPECT_LT(std::sqrt(error / size), 0.03);
  EXPECT_GT(error, 0);  // it is rounded
}

// No f32 between the images and the mean over the last one.
TEST(LevelNetwork, IsMadeOfLevels) {
  const auto net = Trained().levels();
  ASSERT_TRUE(net);
  for (const graph::Node& node : net->graph.nodes) {
    const DType dtype = net->graph.value(node.outputs[0]).type.dtype;
    const bool is_head = node.op->name == "dequantize" || node.op->name == "linear";
    EXPECT_EQ(dtype, is_head ? DType::F32 : DType::I8) << node.op->name;
  }
  EXPECT_EQ(support::count_of(net->graph, "batch_norm"), 0);
  EXPECT_EQ(support::count_of(net->graph, "relu"), 0);
  EXPECT_EQ(net->graph.find("labels"), graph::kNone);
  EXPECT_EQ(net->scales.size(), 6u);  // weights and biases of three convolutions
}

const graph::Node* reader_of(const Graph& graph, ValueId id) {
  for (const graph::Node& node : graph.nodes) {
    if (std::ranges::count(node.inputs, id) > 0) return &node;
  }
  return nullptr;
}

// By channel, with the batch norm behind the convolution.
std::vector<double> largest_weights(const Trained& trained, const std::string& weight) {
  const graph::Node* conv = reader_of(trained.graph, trained.graph.find(weight));
  const graph::Node* norm = reader_of(trained.graph, conv->outputs[0]);
  const auto& scale = trained.weights.at(trained.graph.value(norm->inputs[1]).name);
  const auto& variance = trained.weights.at(trained.graph.value(norm->inputs[4]).name);
  const auto& w = trained.weights.at(weight);
  std::vector<double> most(scale.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const size_t o = i / (w.size() / most.size());
    const double folded = w[i] * scale[o] / std::sqrt(variance[o] + norm->attrs.real("eps", 1e-5));
    most[o] = std::max(most[o], std::abs(folded));
  }
  return most;
}

// A 255th of the range of what the convolution reads.
double scale_of_input(const Trained& trained, const LevelNetwork& net, const graph::Node& conv) {
  const graph::Node* real =
      reader_of(trained.graph, trained.graph.find(net.graph.value(conv.inputs[1]).name));
  const std::vector<double> x = trained.run().get(trained.graph.value(real->inputs[0]).name);
  const auto [least, most] = std::ranges::minmax(x);
  return (std::max(most, 0.0) - std::min(least, 0.0)) / 255;
}

// A level of a weight is multiplier times ratio, of a bias that of the sums.
TEST(LevelNetwork, ScalesSayWhatALevelIsWorth) {
  const Trained trained;
  const auto net = trained.levels();
  ASSERT_TRUE(net);
  for (const auto& [param, scale] : net->scales) {
    const Value& value = net->graph.value(param);
    const auto multiplier = net->weights.at(net->graph.value(scale.multiplier).name).span<float>();
    const graph::Node* conv = reader_of(net->graph, param);
    ASSERT_NE(conv, nullptr) << value.name;
    const std::string& weight = net->graph.value(conv->inputs[1]).name;
    const auto most = largest_weights(trained, weight);
    ASSERT_EQ(most.size(), multiplier.size());
    const double x_scale = scale_of_input(trained, *net, *conv);
    for (size_t o = 0; o < multiplier.size(); ++o) {
      const double of_weight = most[o] / 127;
      const double wanted = value.type.dtype == DType::I8 ? of_weight : of_weight * x_scale;
      EXPECT_NEAR(multiplier[o] * scale.ratio / wanted, 1, 1e-5) << value.name;
    }
  }
}

TEST(LevelNetwork, RefusesWhatItCannotSay) {
  const Trained trained;
  const auto values = [&](const std::string& name) { return trained.values(name); };
  const ValueId logits = trained.graph.find("logits");
  ValueRanges ranges = trained.ranges();
  ranges.begin()->second = {1, std::nanf("")};
  auto refused = to_levels(trained.graph, logits, "images", values, ranges);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("calibrate"), std::string::npos);
  EXPECT_FALSE(to_levels(trained.graph, logits, "images", values, {}));
  graph::Builder b("gelu");
  const ValueId y = b.op("gelu", {b.input("images", {DType::F32, {1, 2}})});
  b.output(y, "logits");
  refused = to_levels(*b.finish(), y, "images", values, {{"images", {0, 1}}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("gelu"), std::string::npos);
}

// Two layers of 1 x 1 with two channels, whose weights and biases have these names.
Result<LevelNetwork> two_layers(const std::string& second_weight, const std::string& second_bias) {
  graph::Builder b("two layers");
  ValueId x = b.input("images", {DType::F32, {1, 2, 3, 3}});
  ValueRanges ranges = {{"images", {0, 1}}};
  const std::pair<std::string, std::string> names[] = {{"w1", "b1"}, {second_weight, second_bias}};
  std::map<std::string, ValueId> params;
  for (const auto& [weight, bias] : names) {
    if (!params.contains(weight)) params[weight] = b.param(weight, {DType::F32, {2, 2, 1, 1}});
    if (!params.contains(bias)) params[bias] = b.param(bias, {DType::F32, {2}});
    b.source("layer of " + weight + " and " + bias);
    x = b.op("conv2d", {x, params[weight], params[bias]});
    ranges[b.graph().value(x).name] = {-1, 1};
  }
  x = b.op("global_avg_pool", {x});
  x = b.op("linear", {x, b.param("head", {DType::F32, {3, 2}})});
  b.output(x, "logits");
  const auto values = [](const std::string& name) {
    return std::vector<float>(name.starts_with("b") ? 2 : name == "head" ? 6 : 4, 0.5f);
  };
  return to_levels(*b.finish(), x, "images", values, ranges);
}

TEST(LevelNetwork, TensorsOfTwoLayersAreRefused) {
  const auto apart = two_layers("w2", "b2");
  ASSERT_TRUE(apart) << apart.error().message;
  for (const auto& [weight, bias] : {std::pair("w1", "b2"), std::pair("w2", "b1")}) {
    const auto shared = two_layers(weight, bias);
    ASSERT_FALSE(shared) << weight << " " << bias;
    EXPECT_EQ(shared.error().code, Code::Unsupported);
    const std::string layer = fmt::format("layer of {} and {}", weight, bias);
    EXPECT_NE(shared.error().message.find(layer), std::string::npos) << shared.error().message;
  }
}

TEST(LevelNetwork, LayersAreThoseOfTheRealNetwork) {
  const support::McuNet real = support::mcunet(1, 32);
  const auto net = to_levels(
      real.graph, real.loss, "images", [&](const std::string& name) { return real.values(name); },
      real.ranges());
  ASSERT_TRUE(net) << net.error().message;
  const auto wanted = updatable_layers(real.graph), found = updatable_layers(net->graph);
  ASSERT_EQ(found.size(), wanted.size());
  EXPECT_EQ(found.size(), 43u);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].weight, wanted[i].weight);
    EXPECT_EQ(found[i].op, wanted[i].op);
    EXPECT_EQ(found[i].channels, wanted[i].channels);
    EXPECT_EQ(found[i].axis, wanted[i].axis);
    EXPECT_NE(found[i].bias, graph::kNone);
  }
}

}  // namespace
}  // namespace verge::nn
