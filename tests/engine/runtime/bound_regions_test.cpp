#include <gtest/gtest.h>

#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/plan_file.hpp>

#include "delegating.hpp"
#include "pass_check.hpp"
#include "reference_backend.hpp"

namespace verge::runtime {
namespace {

using support::random_dag;
using support::ReferenceBackend;

std::vector<float> values_of(const TensorView& view) {
  const auto span = view.span<float>();
  return {span.begin(), span.end()};
}

// The outputs of a graph on numbers that depend on names only.
std::vector<std::vector<float>> outputs_of(const graph::Graph& graph, const Backends& backends,
                                           int threads) {
  WeightStore weights;
  StateStore states;
  ThreadPool pool(threads);
  Tensor w(DType::F32, {2, 3});
  std::ranges::fill(w.span<float>(), 0.75f);
  weights.add("w", std::move(w));
  auto plan = Plan::compile(graph, weights, states, pool, {.canaries = true, .backends = backends});
  if (!plan) {
    ADD_FAILURE() << plan.error().message;
    return {};
  }
  for (const char* name : {"x", "z"}) {
    if (!plan->has_input(name)) continue;
    auto values = plan->input(name).span<float>();
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i) - (*name == 'x' ? 2.5f : 1);
    }
  }
  std::vector<std::vector<float>> outputs;
  for (int run = 0; run < 2; ++run) {
    outputs.clear();
    plan->run({});
    for (const graph::Value& value : plan->graph().values) {
      if (value.is_output) outputs.push_back(values_of(plan->output(value.name)));
    }
  }
  EXPECT_TRUE(plan->reference_nodes().empty());
  return outputs;
}

TEST(BoundRegions, PlansComputeTheSameWithABackend) {
  Rng rng(23);
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    const graph::Graph graph = random_dag(rng, 4 + round);
    auto backend = std::make_shared<ReferenceBackend>();
    if (round % 2 == 1) backend->memory = int64_t{1} << 20;
    const graph::Graph shared = graph::reorder(graph::partition(graph, *backend));
    const auto sorted = [](auto outputs) {
      std::ranges::sort(outputs);
      return outputs;
    };
    const auto wanted = sorted(outputs_of(graph, {}, 2));
    const auto found = sorted(outputs_of(shared, {backend}, 1 + round % 3));
    ASSERT_EQ(wanted.size(), found.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      for (size_t j = 0; j < wanted[i].size(); ++j) {
        ASSERT_NEAR(wanted[i][j], found[i][j], 1e-4 * (1 + std::abs(wanted[i][j])));
      }
    }
  }
}

graph::Graph shared_graph(ReferenceBackend& backend) {
  graph::Builder b("net");
  const auto x = b.input("x", {DType::F32, {2, 3}});
  b.source("layer");
  const auto y = b.op("relu", {b.op("mul", {x, b.param("w", {DType::F32, {2, 3}})})});
  b.output(b.op("sigmoid", {y}), "y");
  return graph::partition(*b.finish(), backend);
}

Error refusal(const graph::Graph& graph, const Backends& backends) {
  WeightStore weights;
  StateStore states;
  ThreadPool pool(2);
  weights.add("w", Tensor(DType::F32, {2, 3}));
  auto plan = Plan::compile(graph, weights, states, pool, {.backends = backends});
  return plan ? Error{Code::Internal, "it was bound"} : plan.error();
}

TEST(BoundRegions, AMissingBackendIsNamed) {
  ReferenceBackend backend;
  const Error error = refusal(shared_graph(backend), {});
  EXPECT_EQ(error.code, Code::Unsupported);
  EXPECT_NE(error.message.find("the backend \"operators\", which is not there"), std::string::npos)
      << error.message;
}

TEST(BoundRegions, PlanFilesHoldBodiesAndRefuseAMissingBackend) {
  auto backend = std::make_shared<ReferenceBackend>();
  backend->memory = 1 << 20;
  PlanFile plan{"model", {}};
  plan.programs.emplace_back("main", *make_program(shared_graph(*backend), kernels::best_isa(), 2));
  const Result<PlanFile> read = parse_plan(plan_content(plan));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(plan_content(plan), plan_content(*read));
  WeightStore weights;
  StateStore states;
  ThreadPool pool(2);
  weights.add("w", Tensor(DType::F32, {2, 3}));
  const Program& program = *read->find("main");
  const auto without = Plan::bind(program, weights, states, pool);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, Code::Unsupported);
  EXPECT_TRUE(Plan::bind(program, weights, states, pool, false, {backend}));
}

// What a plan file may hold that no pass makes.
TEST(BoundRegions, HostileDelegatesAreRefused) {
  auto backend = std::make_shared<ReferenceBackend>();
  const graph::Graph good = shared_graph(*backend);
  const auto edit = [&](const graph::Graph& from, auto change) {
    graph::Graph graph = from;
    for (graph::Node& node : graph.nodes) {
      if (node.op->name == "delegate") change(node, graph);
    }
    return refusal(graph, {backend});
  };
  EXPECT_EQ(edit(good, [](graph::Node&, graph::Graph&) {}).message, "it was bound");
  // A backend of the host's memory, said to have its own.
  EXPECT_EQ(
      edit(good, [](graph::Node& node, graph::Graph&) { node.attrs.set("own_memory", int64_t{1}); })
          .code,
      Code::Malformed);
  // A node that the backend does not run.
  const Error other = edit(good, [](graph::Node& node, graph::Graph&) {
    std::string body(node.attrs.text("body"));
    body.replace(body.find("mul("), 4, "sub(");
    node.attrs.set("body", body);
  });
  EXPECT_EQ(other.code, Code::Unsupported);
  EXPECT_NE(other.message.find("cannot run sub (layer): no sub"), std::string::npos)
      << other.message;
  EXPECT_EQ(
      edit(good, [](graph::Node& node, graph::Graph&) { node.outputs[0] = graph::kNone; }).code,
      Code::Malformed);
  // An input that is taken for a weight.
  const Error given = edit(good, [](graph::Node& node, graph::Graph&) {
    std::string body(node.attrs.text("body"));
    body.replace(body.find("input "), 6, "param ");
    node.attrs.set("body", body);
  });
  EXPECT_EQ(given.code, Code::Malformed);
  EXPECT_NE(given.message.find("x is no weight"), std::string::npos) << given.message;
}

TEST(BoundRegions, WhatLiesInABackendsMemoryIsNotReadPastItsBorder) {
  auto backend = std::make_shared<ReferenceBackend>();
  backend->memory = 1 << 20;
  const graph::Graph good = shared_graph(*backend);
  EXPECT_EQ(refusal(good, {backend}).message, "it was bound");
  graph::Graph past = good;  // the sigmoid reads the delegate's output, not its copy
  graph::ValueId there = graph::kNone;
  for (const graph::Node& node : past.nodes) {
    if (node.op->name == "delegate") there = node.outputs[0];
  }
  for (graph::Node& node : past.nodes) {
    if (node.op->name == "sigmoid") node.inputs[0] = there;
  }
  const Error error = refusal(past, {backend});
  EXPECT_EQ(error.code, Code::Malformed);
  EXPECT_NE(error.message.find("read past its border"), std::string::npos) << error.message;
  graph::Graph direct = good;  // the delegate reads the host's memory
  for (graph::Node& node : direct.nodes) {
    if (node.op->name == "delegate") node.inputs[0] = direct.find("x");
  }
  EXPECT_EQ(refusal(direct, {backend}).code, Code::Malformed);
}

// What still reads as a plan after a byte of it was changed is bound and runs, or is refused.
TEST(BoundRegions, EveryChangedByteIsSurvived) {
  for (const bool has_memory : {false, true}) {
    auto backend = std::make_shared<ReferenceBackend>();
    if (has_memory) backend->memory = 1 << 20;
    PlanFile plan{"model", {}};
    plan.programs.emplace_back("main",
                               *make_program(shared_graph(*backend), kernels::best_isa(), 1));
    const std::vector<std::byte> whole = plan_content(plan);
    ThreadPool pool(1);
    int bound = 0, refused = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int mask : {1, 2, 0x10, 0xff}) {
        std::vector<std::byte> damaged = whole;
        damaged[at] ^= static_cast<std::byte>(mask);
        Result<PlanFile> read = parse_plan(damaged);
        if (!read || read->find("main") == nullptr) continue;
        WeightStore weights;
        StateStore states;
        weights.add("w", Tensor(DType::F32, {2, 3}));
        auto again = Plan::bind(*read->find("main"), weights, states, pool, true, {backend});
        ++(again ? bound : refused);
        if (again) again->run({});
      }
    }
    EXPECT_GT(bound, 10);
    EXPECT_GT(refused, 10);
  }
}

}  // namespace
}  // namespace verge::runtime
