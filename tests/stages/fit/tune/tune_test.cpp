#include <cmath>
#include <filesystem>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <sanitized.hpp>
#include <tiny_models.hpp>

#include <verge/core/machine.hpp>
#include <verge/engine/format/adapter/adapter_file.hpp>
#include <verge/stages/fit/tune/tune.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

struct Tuned {
  test::TemporaryFolder folder;
  ThreadPool pool{2};
  TuneOptions options;

  explicit Tuned(const std::string& scheme = "last:1", int64_t passes = 1) {
    const PlanOptions asked{.shape = {.batch = 8 / passes}, .accumulate = passes};
    const BaseModel base = toy_base(folder, asked.shape.batch);
    const auto plan = compile_chosen(base, scheme, asked, pool.size());
    EXPECT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(write_training_plan(folder / "p.vplan", *plan));
    options.plan = folder / "p.vplan";
    options.data.paths = {write_toy_images(folder)};
    options.output = folder / "out.safetensors";
    options.epochs = 4;
  }
  Result<TuneResult> run(const std::atomic<bool>* cancel = nullptr,
                         const std::function<void(const TuneProgress&)>& show = {}) {
    return tune(options, pool, SystemClock(), show, cancel);
  }
};

TEST(Tune, LearnsAndWritesAModelThatKnowsIt) {
  Tuned tuned;
  tuned.options.delta = tuned.folder / "out.delta";
  const auto result = tuned.run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->finished);
  EXPECT_GT(result->after.accuracy, result->before.accuracy);
  EXPECT_LT(result->last_loss, result->first_loss);
  EXPECT_EQ(result->steps, 80);
  EXPECT_TRUE(result->reference_nodes.empty());
  EXPECT_GT(result->delta.bytes, 0);
  // The file opens as a base, whose layers below the deepest update are the old ones.
  const auto base = open_base_model(tuned.options.output, {.batch = 8});
  ASSERT_TRUE(base) << base.error().message;
  const BaseModel before = toy_base(tuned.folder);
  EXPECT_EQ(base->values("stage.0.0.conv.weight"), before.values("stage.0.0.conv.weight"));
  EXPECT_NE(base->values("stage.1.1.conv.weight"), before.values("stage.1.1.conv.weight"));
  EXPECT_FALSE(std::filesystem::exists(tuned.options.output + ".checkpoint"));
}

TEST(Tune, RefusesEpochsThatAreNoNumberOfPasses) {
  Tuned tuned("head");
  for (const double epochs : {0.0, -1.0, 1e6, std::nan("")}) {
    tuned.options.epochs = epochs;
    const auto refused = tuned.run();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
  }
}

TEST(Tune, AStepOfSeveralPassesIsOneOfAllTheirPictures) {
  const auto whole = Tuned("full").run(), parts = Tuned("full", 4).run();
  ASSERT_TRUE(whole && parts);
  EXPECT_EQ(parts->steps, whole->steps);
  EXPECT_NEAR(parts->last_loss, whole->last_loss, 0.02);
  EXPECT_LT(parts->memory.arena_bytes, whole->memory.arena_bytes);
}

class TuneStopped : public testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(Passes, TuneStopped, testing::Values(1, 2));

TEST_P(TuneStopped, GoesOnWithTheSameLosses) {
  std::vector<double> whole, halves;
  Tuned first("last:1", GetParam()), second("last:1", GetParam());
  ASSERT_TRUE(first.run(nullptr, [&](const TuneProgress& now) { whole.push_back(now.loss); }));
  std::atomic<bool> stop = false;
  const auto stopped = second.run(&stop, [&](const TuneProgress& now) {
    halves.push_back(now.loss);
    stop = now.step == 30;
  });
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_FALSE(stopped->finished);
  EXPECT_FALSE(std::filesystem::exists(second.options.output));
  const DataOptions data = second.options.data;
  second.options.data.held_out = 0.3;  // would measure on what it has learned from
  EXPECT_EQ(second.run().error().code, Code::Conflict);
  second.options.data = data;
  ASSERT_TRUE(second.run(nullptr, [&](const TuneProgress& now) { halves.push_back(now.loss); }));
  EXPECT_EQ(whole, halves);
}

TEST(Tune, ALossThatIsNoNumberEndsTheRun) {
  Tuned tuned("full");
  tuned.options.learning_rate = 1e30;
  const auto result = tuned.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::Malformed);
  EXPECT_NE(result.error().message.find("use a smaller --lr"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(tuned.options.output));
}

TEST(Tune, AnAdapterOfALanguageModelIsOneThatItsBaseTakes) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const BaseShape shape{.batch = 2, .tokens = 16};
  const auto base = open_base_model(path, shape);
  ASSERT_TRUE(base) << base.error().message;
  PlanOptions plan_options;
  plan_options.shape = shape;
  const auto plan = compile_chosen(*base, "lora:4", plan_options, pool.size());
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(write_training_plan(folder / "p.vplan", *plan));
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
  TuneOptions options;
  options.plan = folder / "p.vplan";
  options.data.paths = {folder.add("t.txt", text)};
  options.output = folder / "a.gguf";
  options.steps = 30;
  options.learning_rate = 1e-2;
  const auto result = tune(options, pool, SystemClock());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_LT(result->after.loss, result->before.loss);
  const auto adapter = format::AdapterFile::open(options.output, *base->source);
  ASSERT_TRUE(adapter) << adapter.error().message;
  EXPECT_EQ(adapter->pairs[0].rank(), 4);
  EXPECT_EQ(adapter->pairs[0].scale, 2);  // alpha 8 of rank 4
}

}  // namespace
}  // namespace verge::fit
