#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/step_list.hpp>

namespace verge::runtime {
namespace {

Program three_products(std::string_view last_weight) {
  graph::Builder b("chain");
  auto x = b.input("x", {DType::F32, {4, 32}});
  for (const std::string_view name : {std::string_view("a"), std::string_view("b"), last_weight}) {
    const auto w = b.param(std::string(name), {DType::F32, {32, 32}});
    x = b.op("softcap", {b.op("linear", {x, w})}, {{"cap", 30.0}});
  }
  b.output(x, "y");
  return *make_program(*b.finish(), kernels::best_isa(), 1);
}

TEST(StepList, EachProductKnowsWhatTheNextOneReads) {
  const Program program = three_products("c");
  ThreadPool pool(1);
  WeightStore weights;
  StateStore states;
  for (const char* name : {"a", "b", "c"}) weights.add(name, Tensor(DType::F32, {32, 32}));
  PlanValues values(program.graph, program.memory, false);
  ASSERT_TRUE(values.place(weights, states).ok());
  StepList list;
  const Status status =
      list.bind(program.steps, program.graph, values, weights, pool, program.isa, {});
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(list.stream, nullptr);
  std::vector<const PlanStep*> products;
  for (const PlanStep& step : list.steps) {
    if (step.packed != 0) {
      products.push_back(&step);
    } else {
      EXPECT_TRUE(step.next.empty());
    }
  }
  ASSERT_EQ(products.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(products[i]->next.size(), 1u);
    EXPECT_EQ(products[i]->next[0].data, products[(i + 1) % 3]->inputs[1].data);
    EXPECT_NE(products[i]->inputs[1].data, nullptr);
  }
}

TEST(StepList, AWeightOfTwoProductsIsPackedOnce) {
  const Program program = three_products("a");
  ThreadPool pool(1);
  WeightStore weights;
  StateStore states;
  for (const char* name : {"a", "b"}) weights.add(name, Tensor(DType::F32, {32, 32}));
  PlanValues values(program.graph, program.memory, false);
  ASSERT_TRUE(values.place(weights, states).ok());
  StepList list;
  ASSERT_TRUE(list.bind(program.steps, program.graph, values, weights, pool, program.isa, {}).ok());
  std::vector<const void*> read;
  for (const PlanStep& step : list.steps) {
    if (step.packed != 0) read.push_back(step.inputs[1].data);
  }
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0], read[2]);
  EXPECT_NE(read[0], read[1]);
}

// A weight lies by the groups of its convolution, not by where its taps fall (conv_test.cpp).
TEST(StepList, AWeightIsPreparedOnceForEachLayout) {
  graph::Builder b("windows");
  graph::ValueId x = b.input("x", {DType::F32, {1, 16, 12, 12}});
  const graph::ValueId w = b.param("w", {DType::F32, {8, 8, 3, 3}});
  x = b.op("conv2d", {x, w}, {{"groups", int64_t{2}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  for (const int64_t reach : {2, 3}) {
    x = b.op("conv2d", {x, w},
             {{"dilations", std::vector<int64_t>{reach, reach}},
              {"pads", std::vector<int64_t>{reach, reach, reach, reach}}});
  }
  b.output(x, "y");
  const Program program = *make_program(*b.finish(), kernels::best_isa(), 1);
  ThreadPool pool(1);
  WeightStore weights;
  StateStore states;
  weights.add("w", Tensor(DType::F32, {8, 8, 3, 3}));
  PlanValues values(program.graph, program.memory, false);
  ASSERT_TRUE(values.place(weights, states).ok());
  StepList list;
  ASSERT_TRUE(list.bind(program.steps, program.graph, values, weights, pool, program.isa, {}).ok());
  ASSERT_EQ(list.steps.size(), 3u);
  for (const PlanStep& step : list.steps) ASSERT_NE(step.packed, 0u);
  EXPECT_NE(list.steps[0].inputs[1].data, list.steps[1].inputs[1].data);
  EXPECT_EQ(list.steps[1].inputs[1].data, list.steps[2].inputs[1].data);
  EXPECT_EQ(weights.private_bytes() - int64_t{8 * 8 * 9 * sizeof(float)},
            prepared_weight_bytes(program));
}

}  // namespace
}  // namespace verge::runtime
