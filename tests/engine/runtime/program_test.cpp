#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/memory_check.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::runtime {
namespace {

graph::Graph linear_graph(bool is_trainable) {
  graph::Builder b("one");
  const auto x = b.input("x", {DType::F32, {4, 64}});
  const auto w = b.param("w", {DType::F32, {32, 64}});
  b.graph().value(w).is_trainable = is_trainable;
  b.output(b.op("linear", {x, w}), "y");
  return *b.finish();
}

TEST(Program, OnlyFrozenWeightsArePacked) {
  const auto frozen = make_program(linear_graph(false), kernels::best_isa(), 2);
  ASSERT_TRUE(frozen) << frozen.error().message;
  ASSERT_EQ(frozen->steps.size(), 1u);
  EXPECT_NE(frozen->steps[0].kernel, nullptr);
  EXPECT_EQ(frozen->steps[0].packed, 2u);
  EXPECT_TRUE(graph::check_memory_plan(frozen->graph, frozen->memory));
  const auto trained = make_program(linear_graph(true), kernels::best_isa(), 2);
  EXPECT_EQ(trained->steps[0].packed, 0u);
}

TEST(Program, WhatIsPackedIsCountedAsTheStoreAllocatesIt) {
  ThreadPool pool(1);
  const auto program = make_program(linear_graph(false), kernels::best_isa(), 1);
  ASSERT_TRUE(program) << program.error().message;
  WeightStore weights;
  weights.add("w", Tensor(DType::F32, {32, 64}));
  StateStore states;
  const int64_t before = weights.private_bytes();
  ASSERT_TRUE(Plan::bind(*program, weights, states, pool));
  EXPECT_GT(prepared_weight_bytes(*program), 0);
  EXPECT_EQ(weights.private_bytes() - before, prepared_weight_bytes(*program));
  const auto trained = make_program(linear_graph(true), kernels::best_isa(), 1);
  EXPECT_EQ(prepared_weight_bytes(*trained), 0);
}

// Even one that nobody marked: the update itself is enough.
TEST(Program, AWeightThatAnUpdateWritesIsNotPacked) {
  graph::Builder b(linear_graph(false));
  const auto w = b.graph().find("w");
  b.phase(graph::Phase::Update);
  b.op("sgd",
       {w, b.input("g", {DType::F32, {32, 64}}), graph::kNone, b.input("lr", {DType::F32, {}})});
  const auto program = make_program(*b.finish(), kernels::best_isa(), 1);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->steps[0].packed, 0u);
}

TEST(Program, ViewsAreNoSteps) {
  graph::Builder b("view");
  const auto x = b.op("exp", {b.input("x", {DType::F32, {4}})});
  b.output(b.op("reshape", {x},
                {{"dims", std::vector<int64_t>{2, 2}}, {"symbols", std::vector<int64_t>{-1, -1}}}),
           "y");
  const auto program = make_program(*b.finish(), kernels::Isa::Generic, 1);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->steps.size(), 1u);
}

// A kernel that writes one element too many is found by the guards, one that reads what nobody has
// written by NaN.
TEST(Program, CanariesFindAKernelThatWritesPastItsOutput) {
  const auto writes = [](const graph::KernelCall& call, int64_t count) {
    std::fill_n(call.out().as<float>(), count, 1.0f);
  };
  static const auto run_well = writes;
  const kernels::KernelDef good{
      .op = "linear", .run = [](const graph::KernelCall& call, Worker& worker, kernels::Isa) {
        if (worker.index() == 0) run_well(call, call.out().shape.count());
      }};
  const kernels::KernelDef bad{
      .op = "linear", .run = [](const graph::KernelCall& call, Worker& worker, kernels::Isa) {
        if (worker.index() == 0) run_well(call, call.out().shape.count() + 1);
      }};
  ThreadPool pool(2);
  for (const auto* kernel : {&good, &bad}) {
    WeightStore weights;
    StateStore states;
    weights.add("w", Tensor(DType::F32, {32, 64}));
    auto program = make_program(linear_graph(true), kernels::best_isa(), 2);
    program->steps[0].kernel = kernel;
    auto plan = Plan::bind(std::move(*program), weights, states, pool, true);
    ASSERT_TRUE(plan) << plan.error().message;
    if (kernel == &good) {
      EXPECT_NO_THROW(plan->run({}));
    } else {
      EXPECT_THROW(plan->run({}), InternalError);
    }
  }
}

TEST(Program, IsBoundToItsThreadsOnly) {
  WeightStore weights;
  StateStore states;
  ThreadPool pool(1);
  auto program = make_program(linear_graph(true), kernels::best_isa(), 2);
  const auto plan = Plan::bind(std::move(*program), weights, states, pool);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::Conflict);
  EXPECT_NE(plan.error().message.find("for 2 threads"), std::string::npos);
}

}  // namespace
}  // namespace verge::runtime
