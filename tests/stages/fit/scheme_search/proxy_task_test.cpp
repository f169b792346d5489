#include <filesystem>

#include <array_files.hpp>
#include <gtest/gtest.h>

#include <verge/stages/fit/scheme_search/proxy_task.hpp>

#include "../tune/toy_network.hpp"

namespace verge::fit {
namespace {

struct ProxyToy {
  test::TemporaryFolder folder;
  ThreadPool pool{1};  // steps of microseconds
  SearchOptions options;
  std::unique_ptr<ProxyTask> task;

  ProxyToy() {
    options.model = write_toy_network(folder);
    options.data.paths = {write_toy_images(folder)};
    options.plan.shape.batch = 8;
    auto opened = ProxyTask::open(options, pool);
    EXPECT_TRUE(opened) << opened.error().message;
    task = std::move(*opened);
  }
  nn::UpdateScheme scheme(const char* name) const {
    return *nn::preset_scheme(name, task->base().graph);
  }
};

TEST(ProxyTask, AScoreIsTheHeldOutAccuracyOfATuningRun) {
  ProxyToy toy;
  for (const uint64_t seed : {1u, 2u}) {
    const BaseModel base = *open_base_model(toy.options.model, {.batch = 8});
    const auto data = std::move(
        *open_task_data(base, {.batch = 8}, {.paths = toy.options.data.paths, .seed = seed}));
    const TrainingPlan plan =
        *compile_training(base, toy.scheme("full"), {.shape = {.batch = 8}}, 1);
    const auto run = std::move(*TuningRun::create(
        base, plan, *data, {.peak = 1e-2, .warmup = 2, .steps = 20, .final_share = 0.01}, false,
        seed, toy.pool));
    for (int64_t step = 0; step < 20; ++step) {
      run->fill(step);
      run->trainer().step();
    }
    const auto score = toy.task->score(toy.scheme("full"), {20, 1e-2, seed});
    ASSERT_TRUE(score) << score.error().message;
    EXPECT_EQ(*score, run->held_out()->accuracy);
  }
}

TEST(ProxyTask, TheRateIsTheOneSaidOrThatOfTheOptimizer) {
  ProxyToy toy;
  EXPECT_EQ(toy.task->learning_rate(), 1e-3);
  toy.options.plan.optimizer.kind = graph::OptimizerKind::Sgd;
  EXPECT_EQ(toy.task->learning_rate(), 1e-2);
  toy.options.learning_rate = 0.5;
  EXPECT_EQ(toy.task->learning_rate(), 0.5);
}

struct ProxyArrays {
  test::TemporaryFolder folder;
  ThreadPool pool{1};
  SearchOptions options;
  std::unique_ptr<ProxyTask> task;

  ProxyArrays() {
    Rng rng(3);
    std::vector<double> a, c, targets;
    for (int i = 0; i < 40; ++i) {
      a.insert(a.end(), {rng.normal(), rng.normal()});
      c.push_back(rng.normal());
      targets.push_back(a.back() - c.back() + rng.normal());
    }
    std::filesystem::create_directory(folder / "data");
    test::write_array(folder / "data/a.npy", {40, 2}, a);
    test::write_array(folder / "data/c.npy", {40, 1}, c);
    test::write_array(folder / "data/target.npy", {40, 1}, targets);
    options.model = folder.add("net.onnx", test::onnx_file(test::regressor()));
    options.data = {.paths = {folder / "data"}, .held_out = 0.5};
    options.plan.shape = {.batch = 4, .squared_error = true};
    auto opened = ProxyTask::open(options, pool);
    EXPECT_TRUE(opened) << opened.error().message;
    task = std::move(*opened);
  }
  double score(const ProxyRun& run) {
    const auto score = task->score(*nn::preset_scheme("full", task->base().graph), run);
    EXPECT_TRUE(score) << score.error().message;
    return *score;
  }
};

TEST(ProxyTask, OfArraysTheSameAreHeldOutForEverySeed) {
  ProxyArrays proxy;
  const double untrained = proxy.score({1, 1e-30, 1});
  for (const uint64_t seed : {2u, 3u}) EXPECT_EQ(proxy.score({1, 1e-30, seed}), untrained);
  EXPECT_NE(proxy.score({7, 1e-2, 2}), proxy.score({7, 1e-2, 1}));
  EXPECT_EQ(proxy.score({7, 1e-2, 2}), proxy.score({7, 1e-2, 2}));
}

TEST(ProxyTask, AHeldOutLossThatIsNoNumberIsAnError) {
  ProxyArrays proxy;
  const std::string held_out = proxy.folder / "held_out";
  std::filesystem::copy(proxy.folder / "data", held_out);
  // Half of a less c is infinite.
  test::write_array(held_out + "/a.npy", {40, 2}, std::vector<double>(80, 3e38));
  test::write_array(held_out + "/c.npy", {40, 1}, std::vector<double>(40, -3e38));
  proxy.options.data.evaluation = {held_out};
  const auto task = ProxyTask::open(proxy.options, proxy.pool);
  ASSERT_TRUE(task) << task.error().message;
  const auto score =
      (*task)->score(*nn::preset_scheme("full", (*task)->base().graph), {1, 1e-3, 1});
  ASSERT_FALSE(score);
  EXPECT_EQ(score.error().code, Code::Malformed);
  EXPECT_NE(score.error().message.find("held out is no number"), std::string::npos);
}

TEST(ProxyTask, NothingIsComputedTwiceForABudget) {
  ProxyToy toy;
  const int64_t whole = toy.task->plan(toy.scheme("full"), 0)->memory.total();
  EXPECT_EQ(toy.task->plan(toy.scheme("full"), whole)->recomputed, 0);
  const auto small = toy.task->plan(toy.scheme("full"), whole / 2);
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, Code::OutOfMemory);
}

TEST(ProxyTask, ValuesThatBecomeNoNumbersAreAnError) {
  ProxyToy toy;
  const auto diverged = toy.task->score(toy.scheme("full"), {5, 1e30, 1});
  ASSERT_FALSE(diverged);
  EXPECT_EQ(diverged.error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::fit
