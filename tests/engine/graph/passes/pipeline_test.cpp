#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

Graph training_graph() {
  Builder b("mlp");
  const ValueId x = b.input("x", {DType::F64, {5, 4}});
  std::vector<ValueId> weights;
  ValueId y = x;
  for (const char* name : {"w1", "w2", "w3"}) {
    weights.push_back(b.param(name, {DType::F64, {4, 4}}));
    y = b.op("relu", {b.op("linear", {y, weights.back()})});
  }
  y = b.op("add", {y, x});
  const ValueId loss = b.op_all("mse_loss", {y, b.input("target", {DType::F64, {5, 4}})})[0];
  b.output(loss, "loss");
  return *add_updates(*differentiate(*b.finish(), loss, weights), weights,
                      {.kind = OptimizerKind::Sgd, .max_norm = 0});
}

TEST(Pipeline, EveryPassKeepsTheResults) {
  const Graph graph = training_graph();
  PipelineOptions options;
  options.observe = [](std::string_view pass, const Graph& before, const Graph& after) {
    SCOPED_TRACE(pass);
    support::expect_same_results(before, after);
  };
  const Result<Optimized> optimized = optimize(graph, options);
  ASSERT_TRUE(optimized);
  EXPECT_EQ(optimized->report.size(), all_passes().size());
  EXPECT_LT(optimized->graph.nodes.size(), graph.nodes.size());
}

TEST(Pipeline, EachPassCanBeLeftOut) {
  const Graph graph = training_graph();
  for (const Pass& pass : all_passes()) {
    SCOPED_TRACE(pass.name);
    const Result<Optimized> optimized =
        optimize(graph, {.disabled = {std::string(pass.name)}, .observe = {}});
    ASSERT_TRUE(optimized);
    EXPECT_EQ(optimized->report.size(), all_passes().size() - 1);
    support::expect_same_results(graph, optimized->graph);
  }
  EXPECT_EQ(optimize(graph, {.disabled = {"no_such_pass"}, .observe = {}}).error().code,
            Code::InvalidArgument);
}

TEST(Pipeline, WhatMustBeAskedForChangesNothingElse) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {Dim(1, b.symbol("tokens", 4)), 4}});
  const ValueId image = b.input("image", {DType::F32, {1, 2, 5, 5}});
  b.output(b.op("linear", {x, b.param("w", {DType::F32, {3, 4}})}), "y");
  std::vector<ValueId> norm = {b.op("conv2d", {image, b.param("c", {DType::F32, {3, 2, 3, 3}})})};
  for (const char* name : {"scale", "shift", "mean", "variance"}) {
    norm.push_back(b.param(name, {DType::F32, {3}}));
  }
  b.output(b.op("batch_norm", norm), "z");
  const Graph graph = *b.finish();
  const auto optimized = [&](const PipelineOptions& options) {
    return optimize(graph, options)->graph;
  };
  const Graph plain = optimized({});
  EXPECT_EQ(support::count_of(plain, "lora"), 0);
  EXPECT_EQ(support::count_of(plain, "batch_norm"), 1);
  EXPECT_FALSE(plain.nodes[0].attrs.has("compute"));
  const AdapterLayout layout{.adapters = 1, .rank = 2, .weights = {"w"}};
  EXPECT_EQ(support::count_of(optimized({.adapters = &layout}), "lora"), 1);
  const Graph rounded = optimized({.bf16 = true});
  EXPECT_TRUE(std::ranges::any_of(
      rounded.nodes, [](const Node& node) { return node.attrs.text("compute") == "bf16"; }));
  const Tensor weight(DType::F32, {3, 2, 3, 3}), channels(DType::F32, {3});
  const PipelineOptions fold{.parameters = [&](std::string_view name) {
    return std::optional(name == "c" ? weight.view() : channels.view());
  }};
  EXPECT_EQ(support::count_of(optimized(fold), "batch_norm"), 0);
  PipelineOptions kept = fold;
  kept.disabled = {"fold_affine"};
  EXPECT_EQ(support::count_of(optimized(kept), "batch_norm"), 1);
}

}  // namespace
}  // namespace verge::graph
