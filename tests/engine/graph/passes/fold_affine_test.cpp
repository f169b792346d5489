#include <map>

#include <verge/engine/graph/passes/fold_affine.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FoldAffine : public ::testing::Test {
 protected:
  FoldAffine() : b("cnn") { x = b.input("x", {DType::F32, {2, 3, 5, 5}}); }

  // y = batch_norm(conv(x) + bias) with weights whose values are those run_on_random_values gives.
  ValueId block(ValueId image, int64_t in, int64_t out, bool has_bias) {
    const std::string name = fmt::format("c{}", b.graph().nodes.size());
    const ValueId w = b.param(name + ".w", {DType::F32, {out, in, 3, 3}});
    const ValueId bias = has_bias ? b.param(name + ".b", {DType::F32, {out}}) : kNone;
    const ValueId y = b.op("conv2d", {image, w, bias});
    std::vector<ValueId> inputs = {y};
    for (const char* part : {".scale", ".shift", ".mean", ".var"}) {
      inputs.push_back(b.param(name + part, {DType::F32, {out}}));
    }
    return b.op("batch_norm", inputs, {{"eps", 1e-3}});
  }

  Graph fold(const Graph& graph) {
    for (const Value& value : graph.values) {
      if (value.kind != ValueKind::Param) continue;
      Tensor tensor(value.type.dtype, graph.bound_shape(value.type));
      Rng rng(std::hash<std::string>{}(value.name));
      for (float& v : tensor.span<float>()) v = static_cast<float>(rng.uniform() + 0.1);
      weights.insert_or_assign(value.name, std::move(tensor));
    }
    return fold_affine(graph, [&](std::string_view name) {
      const auto at = weights.find(name);
      return at == weights.end() ? std::nullopt : std::optional(at->second.view());
    });
  }

  Builder b;
  ValueId x;
  std::map<std::string, Tensor, std::less<>> weights;
};

TEST_F(FoldAffine, TheConvolutionCarriesIt) {
  const ValueId inner = b.op("relu", {block(x, 3, 4, false)});
  b.output(block(inner, 4, 6, true), "y");
  const Graph before = *b.finish();
  const Graph after = fold(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "batch_norm"), 0);
  EXPECT_EQ(count_of(after, "conv2d"), 2);
  EXPECT_EQ(fold(after).nodes.size(), after.nodes.size());
}

TEST_F(FoldAffine, FactorsAndAddendsThatExportersWrite) {
  const ValueId by_channel = b.param("by_channel", {DType::F32, {1, 4, 1, 1}});
  const ValueId column = b.param("column", {DType::F32, {4, 1, 1}});
  const ValueId w = b.param("w", {DType::F32, {4, 3, 3, 3}});
  ValueId y = b.op("mul", {by_channel, b.op("conv2d", {x, w})});
  y = b.op("add", {b.op("div", {y, column}), column});
  y = b.op("sub", {by_channel, b.op("scale", {y}, {{"factor", 0.5}, {"offset", -2.0}})});
  b.output(b.op("relu", {y}), "y");
  const Graph before = *b.finish(), after = fold(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes.size(), 2u);
}

TEST_F(FoldAffine, BeforeAConvolution) {
  const ValueId by_channel = b.param("by_channel", {DType::F32, {1, 3, 1, 1}});
  const ValueId w = b.param("w", {DType::F32, {6, 1, 3, 3}});
  const Attrs groups = {{"groups", int64_t{3}}};
  ValueId y = b.op("add", {b.op("mul", {b.op("relu", {x}), by_channel}), by_channel});
  y = b.op("relu", {b.op("conv2d", {y, w}, groups)});
  const Attrs padded = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  const ValueId v = b.param("v", {DType::F32, {2, 6, 3, 3}});
  y = b.op("scale", {y}, {{"factor", 3.0}, {"offset", 0.25}});
  b.output(b.op("conv2d", {y, v}, padded), "y");
  const Graph before = *b.finish(), after = fold(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(support::count_of(after, "mul"), 0);
  EXPECT_EQ(support::count_of(after, "add"), 0);
  EXPECT_EQ(support::count_of(after, "scale"), 1);  // its offset would not be in the padding
}

TEST_F(FoldAffine, TransposedConvolutions) {
  const ValueId w = b.param("w", {DType::F32, {3, 2, 2, 2}}),
                v = b.param("v", {DType::F32, {2, 3, 2, 2}});
  const Attrs strides = {{"strides", std::vector<int64_t>{2, 2}}};
  ValueId y = b.op("conv_transpose2d", {b.op("scale", {x}, {{"factor", 3.0}}), w}, strides);
  std::vector<ValueId> norm = {y};
  for (const char* part : {"s", "t", "m", "var"}) norm.push_back(b.param(part, {DType::F32, {2}}));
  y = b.op("relu", {b.op("batch_norm", norm)});
  y = b.op("conv_transpose2d", {y, v}, strides);
  const ValueId by_channel = b.param("by_channel", {DType::F32, {3, 1, 1}});
  b.output(b.op("mul", {y, by_channel}), "y");
  const Graph before = *b.finish(), after = fold(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes.size(), 3u);
}

// A row of the image's width is no channel, nor is what the network computes.
TEST_F(FoldAffine, OtherShapesAndComputedFactorsStay) {
  const ValueId w = b.param("w", {DType::F32, {3, 3, 1, 1}}),
                row = b.param("row", {DType::F32, {5}});
  const ValueId gate =
      b.op("reduce_mean", {x}, {{"axes", std::vector<int64_t>{2, 3}}, {"keep", int64_t{1}}});
  ValueId y = b.op("mul", {b.op("conv2d", {x, w}), row});
  y = b.op("mul", {b.op("conv2d", {y, w}), gate});
  const ValueId shared = b.op("scale", {y}, {{"factor", 3.0}});
  b.output(b.op("add", {b.op("conv2d", {shared, w}), shared}), "y");
  const Graph before = *b.finish(), after = fold(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes.size(), before.nodes.size());
}

TEST_F(FoldAffine, WhatIsTrainedOrReadOtherwiseStays) {
  const ValueId y = block(x, 3, 4, false);
  b.output(y, "y");
  const ValueId conv = b.graph().nodes[0].outputs[0];
  Graph shared = b.graph();
  shared.value(conv).is_output = true;
  EXPECT_EQ(count_of(fold(shared), "batch_norm"), 1);
  Graph trained = b.graph();
  trained.value(trained.find("c0.w")).is_trainable = true;
  EXPECT_EQ(count_of(fold(trained), "batch_norm"), 1);
  const ParameterValues nothing = [](std::string_view) { return std::nullopt; };
  EXPECT_EQ(count_of(fold_affine(b.graph(), nothing), "batch_norm"), 1);
}

}  // namespace
}  // namespace verge::graph
