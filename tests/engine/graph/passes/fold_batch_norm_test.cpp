#include <map>

#include <verge/engine/graph/passes/fold_batch_norm.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FoldBatchNorm : public ::testing::Test {
 protected:
  FoldBatchNorm() : b("cnn") { x = b.input("x", {DType::F32, {2, 3, 5, 5}}); }

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
    return fold_batch_norm(graph, [&](std::string_view name) {
      const auto at = weights.find(name);
      return at == weights.end() ? std::nullopt : std::optional(at->second.view());
    });
  }

  Builder b;
  ValueId x;
  std::map<std::string, Tensor, std::less<>> weights;
};

TEST_F(FoldBatchNorm, TheConvolutionCarriesIt) {
  const ValueId inner = b.op("relu", {block(x, 3, 4, false)});
  b.output(block(inner, 4, 6, true), "y");
  const Graph before = *b.finish();
  const Graph after = fold(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "batch_norm"), 0);
  EXPECT_EQ(count_of(after, "conv2d"), 2);
  EXPECT_EQ(fold(after).nodes.size(), after.nodes.size());
}

TEST_F(FoldBatchNorm, WhatIsTrainedOrReadOtherwiseStays) {
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
  EXPECT_EQ(count_of(fold_batch_norm(b.graph(), nothing), "batch_norm"), 1);
}

}  // namespace
}  // namespace verge::graph
