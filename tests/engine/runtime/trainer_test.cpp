#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/runtime/trainer.hpp>

#include "small_trainer.hpp"
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

using graph::OptimizerKind;

std::unique_ptr<Trainer> make_trainer(ThreadPool& pool, int64_t accumulate = 1,
                                      OptimizerKind optimizer = OptimizerKind::AdamW) {
  return test::small_trainer(pool, test::small_options({.kind = optimizer}, accumulate));
}

float step(Trainer& trainer) {
  test::fill_small(trainer, trainer.steps());
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

constexpr OptimizerKind kOptimizers[] = {OptimizerKind::AdamW, OptimizerKind::AdamW8bit,
                                         OptimizerKind::Sgd, OptimizerKind::Lion};

TEST(Trainer, EveryOptimizerLearnsByFastKernelsAlone) {
  ThreadPool pool(1);
  for (const OptimizerKind kind : kOptimizers) {
    for (const int64_t accumulate : {1, 2}) {
      TrainerOptions options = test::small_options({.kind = kind, .global_norm = 1}, accumulate);
      if (kind == OptimizerKind::Sgd) options.optimizer.momentum = 0.9;
      if (kind == OptimizerKind::Sgd) options.schedule.peak = 0.5;
      const auto trainer = test::small_trainer(pool, options);
      EXPECT_EQ(trainer->plan().reference_nodes(), std::vector<std::string>{});
      const float first = step(*trainer);
      float last = first;
      while (trainer->steps() < 100) last = step(*trainer);
      EXPECT_LT(last, 0.7f * first) << name(kind) << " " << accumulate;
    }
  }
}

TEST(Trainer, PlainSgdNeverHoldsAGradient) {
  ThreadPool pool(1);
  const auto count = [](const Trainer& trainer, std::string_view op) {
    return std::ranges::count(trainer.plan().graph().nodes, op,
                              [](const graph::Node& node) { return node.op->name; });
  };
  const auto plain = make_trainer(pool, 1, OptimizerKind::Sgd);
  EXPECT_EQ(count(*plain, "sgd_matmul"), 2);
  EXPECT_EQ(count(*plain, "sgd"), 0);
  const auto momentum =
      test::small_trainer(pool, test::small_options({.kind = OptimizerKind::Sgd, .momentum = 0.9}));
  EXPECT_EQ(count(*momentum, "sgd_matmul"), 0);
}

// SGD moves by learning rate times gradient, so the way that parameters go shows its length.
TEST(Trainer, ClippingShortensAllGradientsTogether) {
  ThreadPool pool(1);
  const auto moved = [&](double global_norm) {
    const auto trainer = test::small_trainer(
        pool, test::small_options({.kind = OptimizerKind::Sgd, .global_norm = global_norm}));
    std::vector<double> way;
    for (const auto& [name, view] : trainer->parameters()) {
      for (float value : view.span<float>()) way.push_back(value);
    }
    step(*trainer);
    size_t i = 0;
    for (const auto& [name, view] : trainer->parameters()) {
      for (float value : view.span<float>()) way[i++] -= value;
    }
    return way;
  };
  const auto length = [](const std::vector<double>& way) {
    double squares = 0;
    for (double x : way) squares += x * x;
    return std::sqrt(squares);
  };
  const std::vector<double> free = moved(0), clipped = moved(0.01);
  const double rate = learning_rate(test::small_options().schedule, 0);
  EXPECT_GT(length(free), 2 * rate * 0.01);
  EXPECT_NEAR(length(clipped), rate * 0.01, 0.02 * rate * 0.01);
  const double factor = length(clipped) / length(free);
  for (size_t i = 0; i < free.size(); ++i) {
    EXPECT_NEAR(clipped[i], factor * free[i], 1e-6);
  }
}

// Four matrices of 16 KiB: one gradient at a time, or all of them.
TEST(Trainer, ClippingTogetherHasItsPriceInMemory) {
  constexpr int64_t kSide = 64, kMatrix = kSide * kSide * int64_t{sizeof(float)};
  ThreadPool pool(1);
  const auto price = [&](const graph::OptimizerSpec& optimizer, int64_t accumulate) {
    graph::Builder b("deep");
    TrainingGraph training;
    graph::ValueId x = b.input("x", {DType::F32, {2, kSide}});
    for (const char* name : {"a", "b", "c", "d"}) {
      training.trainable.push_back(b.param(name, {DType::F32, {kSide, kSide}}));
      b.graph().value(training.trainable.back()).is_trainable = true;
      x = b.op("linear", {x, training.trainable.back()});
    }
    training.loss = b.op("mse_loss", {x, b.input("target", {DType::F32, {2, kSide}})});
    b.output(training.loss, "loss");
    training.graph = *b.finish();
    const auto trainer = Trainer::create(
        training, [](const std::string&, const TensorView&) {},
        test::small_options(optimizer, accumulate), pool);
    return (*trainer)->clip_price_bytes();
  };
  EXPECT_GT(price({.global_norm = 1}, 1), kMatrix);
  EXPECT_LT(price({.global_norm = 1}, 2),
            price({.global_norm = 1}, 1));  // accumulators are there anyway
  EXPECT_EQ(price({.max_norm = 1}, 1), 0);
  EXPECT_EQ(price({}, 1), 0);
}

TEST(Trainer, ACheckpointOfAnotherOptimizerIsRefused) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto trainer = make_trainer(pool, 1, OptimizerKind::Lion);
  step(*trainer);
  ASSERT_TRUE(trainer->save(folder / "c", "note"));
  for (const int64_t accumulate : {1, 2}) {
    const auto other = make_trainer(pool, accumulate,
                                    accumulate == 1 ? OptimizerKind::AdamW : OptimizerKind::Lion);
    const Status refused = other->load(folder / "c", "note");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_NE(refused.error().message.find("of the optimizer \"lion"), std::string::npos)
        << refused.error().message;
  }
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
