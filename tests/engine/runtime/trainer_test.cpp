#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/trainer.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

TEST(LearningRate, WarmsUpThenFallsByACosine) {
  const Schedule schedule{.peak = 2, .warmup = 10, .steps = 110, .final_share = 0.1};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 0), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 9), 2);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 10), 2);
  EXPECT_NEAR(learning_rate(schedule, 60), 1.1, 1e-12);
  EXPECT_NEAR(learning_rate(schedule, 110), 0.2, 1e-12);
  EXPECT_NEAR(learning_rate(schedule, 500), 0.2, 1e-12);
}

// Two linear layers that learn which class a row of four numbers has its largest value in.
TrainingGraph classifier() {
  graph::Builder b("classifier");
  const graph::ValueId x = b.input("x", {DType::F32, {32, 4}});
  const graph::ValueId targets = b.input("targets", {DType::I32, {32}});
  const graph::ValueId first = b.param("first", {DType::F32, {16, 4}});
  const graph::ValueId second = b.param("second", {DType::F32, {4, 16}});
  for (graph::ValueId id : {first, second}) b.graph().value(id).is_trainable = true;
  const graph::ValueId hidden = b.op("silu", {b.op("linear", {x, first})});
  const graph::ValueId loss =
      b.op("softmax_cross_entropy", {b.op("linear", {hidden, second}), targets});
  b.output(loss, "loss");
  return {*b.finish(), loss, {first, second}};
}

std::unique_ptr<Trainer> make_trainer(
    ThreadPool& pool, int64_t accumulate = 1,
    graph::OptimizerKind optimizer = graph::OptimizerKind::AdamW) {
  TrainerOptions options;
  options.optimizer.kind = optimizer;
  options.accumulate = accumulate;
  options.schedule = {.peak = 0.02, .warmup = 5, .steps = 200};
  auto trainer = Trainer::create(
      classifier(),
      [](const std::string& name, const TensorView& view) {
        Rng rng(name == "first" ? 1 : 2);
        for (float& value : view.span<float>()) value = 0.5f * rng.normal();
      },
      options, pool);
  return std::move(*trainer);
}

float step(Trainer& trainer) {
  Rng rng(3, static_cast<uint64_t>(trainer.steps()));
  for (int row = 0; row < 32; ++row) {
    float* x = trainer.input("x").as<float>() + row * 4;
    for (int i = 0; i < 4; ++i) x[i] = rng.normal();
    trainer.input("targets").as<int32_t>()[row] =
        static_cast<int32_t>(std::max_element(x, x + 4) - x);
  }
  trainer.step();
  return *trainer.output("loss").as<float>();
}

TEST(Trainer, Learns) {
  ThreadPool pool(2);
  const auto trainer = make_trainer(pool);
  const float first = step(*trainer);
  float last = first;
  while (trainer->steps() < 200) last = step(*trainer);
  EXPECT_GT(first, 1.2f);
  EXPECT_LT(last, 0.4f);
}

TEST(Trainer, ResumesWithTheSameLosses) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  const auto whole = make_trainer(pool);
  std::vector<float> losses;
  for (int i = 0; i < 20; ++i) {
    losses.push_back(step(*whole));
    if (i == 9) {
      ASSERT_TRUE(whole->save(folder / "c", "note"));
    }
  }
  const auto resumed = make_trainer(pool);
  ASSERT_TRUE(resumed->load(folder / "c", "note"));
  EXPECT_EQ(resumed->steps(), 10);
  for (size_t i = 10; i < 20; ++i) EXPECT_EQ(step(*resumed), losses[i]);
}

// Three passes over the same rows have the mean gradient of one pass: the same steps. SGD, as the
// step of AdamW would be the same for their sum.
TEST(Trainer, AccumulatedPassesMakeOneStep) {
  ThreadPool pool(2);
  constexpr auto kSgd = graph::OptimizerKind::Sgd;
  const auto plain = make_trainer(pool, 1, kSgd), accumulating = make_trainer(pool, 3, kSgd);
  for (int i = 0; i < 5; ++i) {
    const float loss = step(*plain);
    for (int pass = 0; pass < 3; ++pass) {
      EXPECT_EQ(accumulating->steps(), i);
      EXPECT_NEAR(step(*accumulating), loss, 1e-4);
    }
  }
  EXPECT_EQ(accumulating->steps(), 5);
}

TEST(Trainer, AHalfAccumulatedStepBeginsAgainWhenResumed) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto trainer = make_trainer(pool, 2);
  for (int pass = 0; pass < 3; ++pass) step(*trainer);
  ASSERT_TRUE(trainer->save(folder / "c", "note"));
  const auto resumed = make_trainer(pool, 2);
  ASSERT_TRUE(resumed->load(folder / "c", "note"));
  const auto whole = make_trainer(pool, 2);
  for (int pass = 0; pass < 2; ++pass) step(*whole);
  for (int pass = 0; pass < 4; ++pass) EXPECT_EQ(step(*resumed), step(*whole)) << pass;
}

TEST(Trainer, KeepsTheLastGoodStateAndNamesTheTensorThatIsBad) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto trainer = make_trainer(pool);
  step(*trainer);
  ASSERT_TRUE(trainer->save(folder / "c", "note"));
  EXPECT_TRUE(trainer->check_finite(1, ""));
  trainer->parameters()[1].second.as<float>()[3] = NAN;
  const Status saved = trainer->save(folder / "c", "note");
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().message.find("second is no longer finite"), std::string::npos);
  EXPECT_EQ(saved.error().message.find("the loss"), std::string::npos);
  ASSERT_TRUE(trainer->load(folder / "c", "note"));
  EXPECT_TRUE(trainer->check_finite(1, ""));
  EXPECT_EQ(trainer->check_finite(NAN, "").error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::runtime
