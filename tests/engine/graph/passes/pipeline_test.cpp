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

}  // namespace
}  // namespace verge::graph
