#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include <verge/engine/runtime/delta.hpp>
#include <verge/stages/fit/tune/tuned_files.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

// The delta turns the base's tensors into those of the tuned file.
TEST(TunedFiles, ADeltaIsTheDifferenceToTheBase) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseModel base = toy_base(folder);
  const auto plan = compile_chosen(base, "last:1", {.shape = {.batch = 8}}, 1);
  ASSERT_TRUE(plan);
  const auto data = open_task_data(base, {.batch = 8}, {.paths = {write_toy_images(folder)}});
  ASSERT_TRUE(data);
  const auto run =
      TuningRun::create(base, *plan, **data, {.peak = 0.01, .steps = 9}, false, 1, pool);
  ASSERT_TRUE(run) << run.error().message;
  for (int i = 0; i < 9; ++i) {
    (*run)->fill(i);
    (*run)->trainer().step();
  }
  ASSERT_TRUE(write_tuned(folder / "t.safetensors", base, *plan, **run, {{"why", "test"}}, pool));
  ASSERT_TRUE(write_tuned_delta(folder / "t.delta", base, **run));
  const auto tuned = open_base_model(folder / "t.safetensors", {.batch = 8});
  ASSERT_TRUE(tuned) << tuned.error().message;
  std::vector<Tensor> copies;
  runtime::NamedTensors tensors;
  for (const auto& [name, weight] : base.weights) {
    Tensor& copy = copies.emplace_back(DType::F32, weight.view.shape);
    std::ranges::copy(weight.view.span<float>(), copy.span<float>().begin());
    tensors.emplace_back(name, copy.view());
  }
  const auto applied = runtime::apply_delta(folder / "t.delta", tensors);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->changed,
            5u);  // weight, scale and bias of a layer; weight and bias of the head
  for (const auto& [name, view] : tensors) {
    const auto span = view.span<float>();
    EXPECT_EQ(std::vector<float>(span.begin(), span.end()), tuned->values(name)) << name;
  }
}

// An adapter would lose what changed beside the factors.
TEST(TunedFiles, FactorsBesideOtherUpdatesAreMergedIntoTheModel) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseShape shape{.batch = 2, .tokens = 16};
  const auto base =
      open_base_model(test::write_model(folder, test::tiny_spec("tiny-llama")), shape);
  ASSERT_TRUE(base) << base.error().message;
  nn::UpdateScheme scheme;
  scheme.lora = graph::LowRank{2, 4};
  scheme.layers["blk.0.ffn_down.weight"].kind = nn::UpdateKind::Full;
  PlanOptions options;
  options.shape = shape;
  const auto plan = compile_training(*base, scheme, options, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
  const auto data = open_task_data(*base, shape, {.paths = {folder.add("t.txt", text)}});
  ASSERT_TRUE(data) << data.error().message;
  const auto run =
      TuningRun::create(*base, *plan, **data, {.peak = 0.01, .steps = 3}, false, 1, pool);
  ASSERT_TRUE(run) << run.error().message;
  for (int i = 0; i < 3; ++i) {
    (*run)->fill(i);
    (*run)->trainer().step();
  }
  ASSERT_TRUE(write_tuned(folder / "t.gguf", *base, *plan, **run, {}, pool));
  const auto tuned = open_base_model(folder / "t.gguf", shape);
  ASSERT_TRUE(tuned) << tuned.error().message;
  for (const char* name : {"blk.0.ffn_down.weight", "blk.0.attn_q.weight"}) {
    EXPECT_NE(tuned->values(name), base->values(name)) << name;
  }
}

}  // namespace
}  // namespace verge::fit
