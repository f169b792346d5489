#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

using graph::OptimizerKind;

constexpr int kOneThread = 1;

TrainingPlan plan_of(const BaseModel& base, const std::string& scheme, PlanOptions options = {}) {
  auto plan = compile_chosen(base, scheme, options, kOneThread);
  EXPECT_TRUE(plan) << scheme << ": " << plan.error().message;
  return std::move(*plan);
}

TEST(TrainingPlan, WorkAndMemoryFallWithTheScheme) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  double work = 1e300;
  int64_t memory = INT64_MAX;
  for (const char* scheme : {"full", "last:2", "last:1", "head"}) {
    const TrainingPlan plan = plan_of(base, scheme);
    EXPECT_LT(plan.work.total(), work) << scheme;
    EXPECT_LT(plan.memory.total(), memory) << scheme;
    EXPECT_LE(plan.memory.arena_bytes, 1.05 * static_cast<double>(plan.memory.lower_bound_bytes));
    work = plan.work.total();
    memory = plan.memory.total();
  }
}

TEST(TrainingPlan, RoundsProductsOfTheStepWhereAsked) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  const auto rounded = [&](bool bf16) {
    const TrainingPlan plan = plan_of(base, "full", {.bf16 = bf16});
    EXPECT_GT(plan.memory.unshared_bytes, plan.memory.arena_bytes);
    return std::ranges::count_if(plan.step.graph.nodes, [](const graph::Node& node) {
      return node.attrs.text("compute", "") == "bf16";
    });
  };
  EXPECT_EQ(rounded(false), 0);
  EXPECT_GT(rounded(true), 0);
}

// Copies are of whole tensors, moments of the updated channels alone.
TEST(TrainingPlan, ChargesEachUpdatedTensorAndTheMomentsOfItsChannels) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder, 16);
  nn::UpdateScheme scheme;
  scheme.layers["stage.1.1.conv.weight"] = {.kind = nn::UpdateKind::Channels, .ratio = 0.5};
  const PlanOptions options{.shape = {.batch = 16}, .optimizer = {.kind = OptimizerKind::AdamW}};
  const auto plan = compile_training(base, scheme, options, kOneThread);
  ASSERT_TRUE(plan) << plan.error().message;
  constexpr int64_t kRest = 16 + 16 * 4 + 4;  // a bias, and the head
  EXPECT_EQ(plan->memory.parameter_bytes, 4 * (16 * 16 * 9 + kRest));
  EXPECT_EQ(plan->memory.state_bytes, 2 * 4 * (16 * 8 * 9 + kRest));
  EXPECT_LE(plan->memory.arena_bytes, 1.05 * static_cast<double>(plan->memory.lower_bound_bytes));
}

// A Q8_0 file is computed with as f32, one of f32 is read where it lies.
TEST(TrainingPlan, ChargesCopiesOfWeightsOfAnotherType) {
  const test::TemporaryFolder folder;
  const BaseShape shape{.batch = 1, .tokens = 8};
  PlanOptions options;
  options.shape = shape;
  const auto spec = test::tiny_spec("tiny-llama");
  const auto halved = open_base_model(test::write_model(folder, spec, DType::Q8_0), shape);
  ASSERT_TRUE(halved) << halved.error().message;
  int64_t copied = 0;
  for (const format::StoredTensor& tensor : halved->source->tensors()) {
    if (tensor.dtype != DType::F32) copied += 4 * tensor.shape.count();
  }
  EXPECT_GT(copied, 0);
  EXPECT_EQ(plan_of(*halved, "lora:2", options).memory.frozen_bytes, copied);
  const auto plain = open_base_model(test::write_model(folder, spec, DType::F32), shape);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plan_of(*plain, "lora:2", options).memory.frozen_bytes, 0);
}

TEST(TrainingPlan, NamesWhatNoFastKernelRunsInPassesAndUpdate) {
  const test::TemporaryFolder folder;
  TrainingPlan plan = plan_of(toy_base(folder), "head", {.accumulate = 2});
  EXPECT_TRUE(reference_nodes(plan).empty());
  plan.update->steps.front().kernel = nullptr;
  EXPECT_EQ(reference_nodes(plan).size(), 1u);
  plan.step.steps.front().kernel = nullptr;
  EXPECT_EQ(reference_nodes(plan).size(), 2u);
}

TEST(TrainingPlan, AFileBringsBackProgramsAndSettings) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options;
  options.optimizer = {.kind = OptimizerKind::Sgd, .momentum = 0.9};
  for (const int64_t passes : {1, 3}) {
    options.accumulate = passes;
    TrainingPlan plan = plan_of(base, "last:1", options);
    ASSERT_TRUE(write_training_plan(folder / "p.vplan", plan));
    const auto read = read_training_plan(folder / "p.vplan");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(print_settings(read->settings), print_settings(plan.settings));
    EXPECT_EQ(read->memory.total(), plan.memory.total());
    EXPECT_EQ(read->work.total(), plan.work.total());
    plan.settings.accumulate = 4 - passes;
    ASSERT_TRUE(write_training_plan(folder / "p.vplan", plan));
    EXPECT_EQ(read_training_plan(folder / "p.vplan").error().code, Code::Malformed);
  }
  ASSERT_TRUE(runtime::write_plan_file(folder / "other.vplan", {.model = "x", .programs = {}}));
  EXPECT_NE(read_training_plan(folder / "other.vplan").error().message.find("trains nothing"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::fit
