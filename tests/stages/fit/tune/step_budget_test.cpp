#include <set>

#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include <verge/engine/runtime/kernel_chooser.hpp>
#include <verge/stages/fit/tune/step_budget.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

using graph::OptimizerKind;

constexpr int kBudgetThreads = 1;

TrainingPlan step_below(const BaseModel& base, const std::string& scheme,
                        PlanOptions options = {}) {
  auto plan = compile_chosen(base, scheme, options, kBudgetThreads);
  EXPECT_TRUE(plan) << scheme << ": " << plan.error().message;
  return std::move(*plan);
}

// The budget that a refusal names.
int64_t smallest_of(const Result<TrainingPlan>& refused) {
  if (refused) return -1;
  const std::string& message = refused.error().message;
  return std::stoll(message.substr(message.find("--memory ") + 9));
}

TEST(StepBudget, ABudgetThatIsTooSmallNamesTheSmallestAndThePeak) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options;
  options.memory_bytes = 1000;
  const auto refused = compile_chosen(base, "full", options, kBudgetThreads);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
  EXPECT_NE(refused.error().message.find("the peak is at"), std::string::npos);
  // The number it names is met, one byte less is not.
  options.memory_bytes = smallest_of(refused);
  EXPECT_TRUE(compile_chosen(base, "full", options, kBudgetThreads));
  options.memory_bytes -= 1;
  EXPECT_FALSE(compile_chosen(base, "full", options, kBudgetThreads));
}

TEST(StepBudget, RecomputesBeforeItGivesUp) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder, 32);
  PlanOptions options{.shape = {.batch = 32}};
  options.optimizer = {.kind = OptimizerKind::Sgd};
  const TrainingPlan free = step_below(base, "full", options);
  options.memory_bytes = free.memory.total() - free.memory.arena_bytes / 50;
  const TrainingPlan tight = step_below(base, "full", options);
  EXPECT_GT(tight.recomputed, 0);
  EXPECT_LE(tight.memory.total(), options.memory_bytes);
  EXPECT_GT(tight.work.total(), free.work.total());
  // The least of all takes recomputing.
  options.memory_bytes = 1;
  options.memory_bytes = smallest_of(compile_chosen(base, "full", options, kBudgetThreads));
  EXPECT_GT(step_below(base, "full", options).recomputed, 0);
  options.disabled_passes = {"recompute"};
  EXPECT_FALSE(compile_chosen(base, "full", options, kBudgetThreads));
}

// Winograd's weights are four times as large, and made anew they are as much workspace.
TEST(StepBudget, FrozenConvolutionsRunDirectlyWhereNothingElseIsSmallEnough) {
  const test::TemporaryFolder folder;
  const nn::CnnConfig config{
      .channels = 1, .height = 28, .width = 28, .classes = 4, .stages = {{16, 16}, {32, 32}}};
  const BaseModel base = *open_base_model(write_toy_network(folder, 1, config), {.batch = 8});
  const auto ways_of = [](const TrainingPlan& plan) {
    std::set<std::string_view> ways;
    for (const runtime::ProgramStep& step : plan.step.steps) ways.insert(step.choice);
    return ways;
  };
  PlanOptions options{.shape = {.batch = 8}};
  const TrainingPlan free = step_below(base, "head", options);
  EXPECT_TRUE(ways_of(free).contains("winograd4"));
  options.memory_bytes = 1;
  options.memory_bytes = smallest_of(compile_chosen(base, "head", options, kBudgetThreads));
  EXPECT_LT(options.memory_bytes, 0.8 * static_cast<double>(free.memory.total()));
  const TrainingPlan tight = step_below(base, "head", options);
  EXPECT_LE(tight.memory.total(), options.memory_bytes);
  EXPECT_FALSE(ways_of(tight).contains("winograd4"));
}

TEST(StepBudget, LeavesFrozenWeightsAsTheyAreBeforeItRecomputes) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options;
  const TrainingPlan free = step_below(base, "last:1", options);
  ASSERT_GT(free.memory.packed_bytes, 0);
  options.memory_bytes = free.memory.total() - free.memory.packed_bytes;
  const TrainingPlan tight = step_below(base, "last:1", options);
  EXPECT_EQ(tight.memory.packed_bytes, 0);
  EXPECT_EQ(tight.recomputed, 0);
  EXPECT_LE(tight.memory.total(), options.memory_bytes);
  EXPECT_EQ(runtime::prepared_weight_bytes(tight.evaluate), 0);
  for (const runtime::ProgramStep& step : tight.step.steps) EXPECT_NE(step.kernel, nullptr);
}

// Kernels that read no weights but their own layout keep it, in what is read back as well.
TEST(StepBudget, LeavesTheWeightsThatAreNotPackedUnpackedInAFile) {
  const test::TemporaryFolder folder;
  PlanOptions options;
  options.shape = {.batch = 1, .tokens = 8};
  const auto base = open_base_model(
      test::write_model(folder, test::tiny_spec("tiny-llama"), DType::F32), options.shape);
  ASSERT_TRUE(base) << base.error().message;
  const TrainingPlan free = step_below(*base, "last:1", options);
  options.memory_bytes = free.memory.total() - 1;
  const TrainingPlan tight = step_below(*base, "last:1", options);
  EXPECT_LT(tight.memory.packed_bytes, free.memory.packed_bytes);
  EXPECT_GT(tight.memory.packed_bytes, 0);
  ASSERT_TRUE(write_training_plan(folder / "p.vplan", tight));
  const auto read = read_training_plan(folder / "p.vplan");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->memory.packed_bytes, tight.memory.packed_bytes);
  // Values that are computed twice, of which there are none here, do not bring the copies back.
  options.memory_bytes = tight.memory.total() - 1;
  const auto refused = compile_chosen(*base, "last:1", options, kBudgetThreads);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(fmt::format("--memory {} ", tight.memory.total())),
            std::string::npos)
      << refused.error().message;
}

// Packing and measured ways are parts of a plan that can be left out, as passes can.
TEST(StepBudget, PackingAndTimingCanBeLeftOut) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  ThreadPool pool(kBudgetThreads);
  const SystemClock clock;
  PlanOptions options;
  runtime::KernelChooser chooser({}, "here", pool, options.isa, clock);
  options.chooser = &chooser;
  options.disabled_passes = {"pack_weights", "time_kernels"};
  EXPECT_EQ(step_below(base, "bias", options).memory.packed_bytes, 0);
  EXPECT_FALSE(chooser.has_measured());
  options.disabled_passes = {};
  EXPECT_GT(step_below(base, "bias", options).memory.packed_bytes, 0);
  EXPECT_TRUE(chooser.has_measured());
}

// A byte too few takes one weight's copies, in what evaluates and what is read back as well.
TEST(StepBudget, LeavesNoMoreWeightsAsTheyAreThanItMust) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options;
  const TrainingPlan free = step_below(base, "bias", options);
  options.memory_bytes = free.memory.total() - 1;
  const TrainingPlan tight = step_below(base, "bias", options);
  EXPECT_LE(tight.memory.total(), options.memory_bytes);
  EXPECT_GT(tight.memory.packed_bytes, free.memory.packed_bytes / 4);
  const auto weights = [](const runtime::Program& program) {
    std::set<std::string> names;
    for (const runtime::PreparedWeight& prepared : runtime::prepared_weights(program)) {
      names.insert(program.graph.value(prepared.weight).name);
    }
    return names;
  };
  EXPECT_EQ(weights(tight.step).size() + 1, weights(free.step).size());
  EXPECT_EQ(weights(tight.evaluate), weights(tight.step));
  ASSERT_TRUE(write_training_plan(folder / "p.vplan", tight));
  const auto read = read_training_plan(folder / "p.vplan");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(weights(read->step), weights(tight.step));
  EXPECT_EQ(weights(read->evaluate), weights(tight.evaluate));
  EXPECT_EQ(read->memory.total(), tight.memory.total());
}

// Ways that were measured take another amount of memory than those by rule.
TEST(StepBudget, WhatFitsByRuleFitsWithMeasuredKernels) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options{.memory_bytes = 1};
  const auto refused = compile_chosen(base, "bias", options, kBudgetThreads);
  ASSERT_FALSE(refused);
  const std::string& message = refused.error().message;
  options.memory_bytes = std::stoll(message.substr(message.find("--memory ") + 9));
  ThreadPool pool(kBudgetThreads);
  const SystemClock clock;
  runtime::KernelChooser chooser({}, "here", pool, options.isa, clock);
  options.chooser = &chooser;
  EXPECT_TRUE(compile_chosen(base, "bias", options, kBudgetThreads));
  EXPECT_TRUE(chooser.has_measured());
}

}  // namespace
}  // namespace verge::fit
