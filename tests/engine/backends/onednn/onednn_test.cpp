#include <set>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/backends/onednn/onednn.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/runtime/plan.hpp>

#include "graph_runner.hpp"
#include "onednn_cases.hpp"

namespace verge::backends {
namespace {

// The same backend, for nodes that would not pay alone.
class Eager : public runtime::Backend {
 public:
  explicit Eager(std::shared_ptr<runtime::Backend> backend) : backend_(std::move(backend)) {}
  std::string_view name() const override { return backend_->name(); }
  std::vector<std::string> refusals(const graph::Graph& graph,
                                    const graph::Node& node) const override {
    return backend_->refusals(graph, node);
  }
  graph::BackendCost cost() const override { return {.host_flops_per_s = 1, .flops_per_s = 2}; }
  int64_t memory_of(const graph::Graph& body) const override { return backend_->memory_of(body); }
  Result<std::unique_ptr<runtime::BackendRegion>> compile(const graph::Graph& body,
                                                          std::span<const TensorView> inputs,
                                                          ThreadPool& pool) override {
    return backend_->compile(body, inputs, pool);
  }

 private:
  std::shared_ptr<runtime::Backend> backend_;
};

class OneDnnTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = make_onednn();
    if (!made) GTEST_SKIP() << made.error().message;
    backend_ = std::make_shared<Eager>(*made);
  }

  // All nodes of the graph on oneDNN, against the references.
  void expect_agreement(const graph::Graph& graph, double tolerance = 1e-4, int threads = 2) {
    graph::PartitionReport report;
    const graph::Graph shared = graph::partition(graph, *backend_, &report);
    ASSERT_TRUE(report.stayed.empty())
        << report.stayed[0].node << ": "
        << fmt::format("{}", fmt::join(report.stayed[0].reasons, "; "));
    ASSERT_EQ(report.regions.size(), 1U);
    support::GraphRunner wanted(graph);
    runtime::WeightStore weights;
    runtime::StateStore states;
    ThreadPool pool(threads);
    Rng rng(5);
    for (const graph::Value& value : graph.values) {
      if (value.kind != graph::ValueKind::Input && value.kind != graph::ValueKind::Param) continue;
      fill(wanted.tensor(value.name), rng);
      if (value.kind == graph::ValueKind::Param) {
        weights.add(value.name, wanted.tensor(value.name), nullptr);
      }
    }
    auto plan = runtime::Plan::compile(shared, weights, states, pool,
                                       {.canaries = true, .backends = {backend_}});
    ASSERT_TRUE(plan) << plan.error().message;
    for (const graph::Value& value : graph.values) {
      if (value.kind != graph::ValueKind::Input) continue;
      const TensorView& from = wanted.tensor(value.name);
      std::memcpy(plan->input(value.name).data, from.data, static_cast<size_t>(from.bytes()));
    }
    plan->run({});
    plan->run({});  // nothing of the first run may be left
    wanted.run();
    for (const graph::Value& value : graph.values) {
      if (value.is_output) expect_near(plan->output(value.name), wanted.get(value.name), tolerance);
    }
  }

  static void fill(const TensorView& view, Rng& rng) {
    for (float& value : view.span<float>()) value = static_cast<float>(rng.uniform() * 2 - 1);
  }
  static void expect_near(const TensorView& found, const std::vector<double>& wanted,
                          double tolerance) {
    const auto values = found.span<float>();
    ASSERT_EQ(values.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_NEAR(values[i], wanted[i], tolerance * (1 + std::abs(wanted[i]))) << "element " << i;
    }
  }

  std::shared_ptr<runtime::Backend> backend_;
};

TEST_F(OneDnnTest, EachOperatorAgreesWithItsReference) {
  Rng rng(3);
  for (const OneDnnCase& c : onednn_cases(rng)) {
    SCOPED_TRACE(c.name);
    expect_agreement(c.graph);
    if (HasFatalFailure()) return;
  }
}

TEST_F(OneDnnTest, EachOperatorHasACase) {
  std::set<std::string_view> there;
  Rng rng(3);
  const std::vector<OneDnnCase> cases = onednn_cases(rng);
  for (const OneDnnCase& c : cases) {
    for (const graph::Node& node : c.graph.nodes) there.insert(node.op->name);
  }
  for (const std::string_view op : onednn::emitted_operators()) {
    EXPECT_TRUE(there.contains(op)) << op;
  }
}

// Blocks of ResNet and MobileNet: what primitives hand each other stays in their layouts, sums go
// into what is there already.
TEST_F(OneDnnTest, BlocksOfNetworksAgreeOnAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3}) {
    SCOPED_TRACE(threads);
    for (const OneDnnCase& c : onednn_blocks()) {
      SCOPED_TRACE(c.name);
      expect_agreement(c.graph, 1e-3, threads);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(OneDnnTest, EachRefusalIsNamed) {
  graph::Builder b("net");
  const auto x = b.input("x", {DType::F32, {2, 32}});
  const auto y = b.op("linear", {x, b.param("w", {DType::Q8_0, {16, 32}})});
  b.output(b.op("erf", {y}), "y");
  const graph::Graph graph = *b.finish();
  graph::PartitionReport report;
  graph::partition(graph, *backend_, &report);
  ASSERT_EQ(report.stayed.size(), 2U);
  EXPECT_EQ(report.stayed[0].reasons, std::vector<std::string>{"w is q8_0, not f32"});
  EXPECT_EQ(report.stayed[1].reasons, std::vector<std::string>{"oneDNN is not asked for erf"});
}

// Which oneDNN 2.6 crashes on, with some activations.
TEST_F(OneDnnTest, OutputsOfPaddingAloneAreRefused) {
  for (const auto& [kernel, pad, width] :
       {std::tuple<int64_t, int64_t, int64_t>{1, 2, 9}, {3, 3, 9}, {3, 1, 9}, {2, 1, 1}}) {
    graph::Builder b("net");
    const graph::Attrs attrs = {{"pads", std::vector<int64_t>{0, pad, 0, pad}},
                                {"dilations", std::vector<int64_t>{1, width == 1 ? 2 : 1}}};
    b.output(b.op("conv2d",
                  {b.input("x", {DType::F32, {1, 4, 9, width}}),
                   b.param("w", {DType::F32, {8, 4, 1, kernel}})},
                  attrs),
             "y");
    const graph::Graph graph = *b.finish();
    const auto reasons = backend_->refusals(graph, graph.nodes[0]);
    EXPECT_EQ(reasons.size(), pad == 1 && width == 9 ? 0U : 1U) << kernel << " " << pad;
    for (const std::string& reason : reasons) {
      EXPECT_EQ(reason, "some of its outputs see padding alone");
    }
  }
}

TEST_F(OneDnnTest, ItsEstimatesLeaveSmallNodesAlone) {
  graph::Builder b("net");
  b.output(b.op("tanh", {b.input("x", {DType::F32, {2, 3}})}), "y");
  graph::PartitionReport report;
  graph::partition(*b.finish(), **make_onednn(), &report);
  ASSERT_EQ(report.stayed.size(), 1U);
  EXPECT_NE(report.stayed[0].reasons[0].find("does not pay"), std::string::npos);
}

}  // namespace
}  // namespace verge::backends
