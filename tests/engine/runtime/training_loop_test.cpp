#include <filesystem>
#include <thread>

#include <eventually.hpp>
#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/engine/runtime/training_loop.hpp>

#include "small_trainer.hpp"
#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

TrainerOptions short_run(int64_t accumulate = 1) {
  TrainerOptions options = test::small_options({}, accumulate);
  options.schedule.steps = 12;
  return options;
}

// A loop over a small trainer whose steps take a second each by its clock.
struct LoopBench {
  ThreadPool pool{1};
  test::ManualClock clock{0};
  std::unique_ptr<Trainer> trainer;
  std::vector<LoopProgress> history;
  std::vector<int64_t> filled;
  std::function<void(const LoopProgress&)> on_step = [](const LoopProgress&) {};

  explicit LoopBench(int64_t accumulate = 1)
      : trainer(test::small_trainer(pool, short_run(accumulate))) {}

  LoopOptions options() {
    return {.look_every_s = 1, .wait = [this](double seconds) { clock.advance(seconds); }};
  }
  LoopWork work() {
    return {.fill =
                [this](int64_t pass) {
                  filled.push_back(pass);
                  test::fill_small(*trainer, pass);
                  clock.advance(1);
                },
            .after_step =
                [this](const LoopProgress& progress) {
                  history.push_back(progress);
                  on_step(progress);
                  return Status();
                }};
  }
};

TEST(TrainingLoop, GoesThroughAllStepsAndSaysHowFar) {
  LoopBench bench;
  TrainingLoop loop(*bench.trainer, bench.options(), bench.clock);
  ASSERT_TRUE(*loop.run(bench.work()));
  ASSERT_EQ(bench.history.size(), 12u);
  const LoopProgress& middle = bench.history[3];
  EXPECT_EQ(middle.step, 4);
  EXPECT_EQ(middle.steps, 12);
  EXPECT_DOUBLE_EQ(middle.step_ms, 1000);
  EXPECT_DOUBLE_EQ(middle.elapsed_s, 4);
  EXPECT_DOUBLE_EQ(middle.steps_per_s, 1);
  EXPECT_DOUBLE_EQ(middle.remaining_s, 8);
  EXPECT_DOUBLE_EQ(middle.learning_rate, learning_rate(short_run().schedule, 3));
  EXPECT_LT(bench.history.back().loss, bench.history.front().loss);
}

TEST(TrainingLoop, AStepOfSeveralPassesCountsOnce) {
  LoopBench bench(3);
  TrainingLoop loop(*bench.trainer, bench.options(), bench.clock);
  ASSERT_TRUE(*loop.run(bench.work()));
  ASSERT_EQ(bench.history.size(), 12u);
  ASSERT_EQ(bench.filled.size(), 36u);
  for (size_t i = 0; i < 36; ++i) EXPECT_EQ(bench.filled[i], static_cast<int64_t>(i));
}

TEST(TrainingLoop, ACancelledRunGoesOnWithTheSameLosses) {
  const test::TemporaryFolder folder;
  LoopBench whole;
  ASSERT_TRUE(*TrainingLoop(*whole.trainer, whole.options(), whole.clock).run(whole.work()));
  LoopBench first, second;
  std::atomic<bool> cancel{false};
  first.on_step = [&](const LoopProgress& progress) { cancel = progress.step == 5; };
  LoopOptions options = first.options();
  options.checkpoint = folder / "c";
  TrainingLoop cut(*first.trainer, options, first.clock);
  ASSERT_TRUE(cut.load());  // nothing there yet
  EXPECT_FALSE(*cut.run(first.work(), &cancel));
  options = second.options();
  options.checkpoint = folder / "c";
  TrainingLoop rest(*second.trainer, options, second.clock);
  ASSERT_TRUE(rest.load());
  ASSERT_TRUE(*rest.run(second.work()));
  ASSERT_EQ(second.history.size(), 7u);
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(second.history[i].loss, whole.history[5 + i].loss);
}

TEST(TrainingLoop, SavesAsOftenAsAskedAndRefusesAnotherNote) {
  const test::TemporaryFolder folder;
  LoopBench bench;
  std::vector<int64_t> saved;
  const std::string path = folder / "c";
  bench.on_step = [&](const LoopProgress& progress) {
    if (std::filesystem::remove(path)) saved.push_back(progress.step - 1);
  };
  LoopOptions options = bench.options();
  options.checkpoint = path;
  options.checkpoint_every = 5;
  options.note = "mine";
  ASSERT_TRUE(*TrainingLoop(*bench.trainer, options, bench.clock).run(bench.work()));
  EXPECT_EQ(saved, (std::vector<int64_t>{5, 10}));
  ASSERT_TRUE(std::filesystem::exists(path));  // the last step's
  options.note = "another";
  EXPECT_EQ(TrainingLoop(*bench.trainer, options, bench.clock).load().error().code, Code::Conflict);
}

TEST(TrainingLoop, APauseSavesAndHoldsTheNextStep) {
  const test::TemporaryFolder folder;
  LoopBench bench;
  LoopOptions options = bench.options();
  options.checkpoint = folder / "c";
  int waits = 0;
  TrainingLoop* running = nullptr;
  options.wait = [&](double seconds) {
    EXPECT_TRUE(std::filesystem::exists(folder / "c"));
    EXPECT_EQ(bench.trainer->steps(), 4);
    bench.clock.advance(seconds);
    if (++waits == 3) running->resume();
  };
  TrainingLoop loop(*bench.trainer, options, bench.clock);
  running = &loop;
  bench.on_step = [&](const LoopProgress& progress) {
    if (progress.step == 4) loop.pause();
  };
  ASSERT_TRUE(*loop.run(bench.work()));
  EXPECT_EQ(waits, 3);
  EXPECT_DOUBLE_EQ(bench.history.back().waited_s, 3);
  EXPECT_DOUBLE_EQ(bench.history.back().elapsed_s, 15);
}

TEST(TrainingLoop, APausedRunCanBeCancelled) {
  LoopBench bench;
  std::atomic<bool> cancel{false};
  LoopOptions options = bench.options();
  options.wait = [&](double) { cancel = true; };
  TrainingLoop loop(*bench.trainer, options, bench.clock);
  loop.pause();
  EXPECT_FALSE(*loop.run(bench.work(), &cancel));
  EXPECT_EQ(bench.trainer->steps(), 0);
}

// The steps are the same whatever the governor does to their pace.
TEST(TrainingLoop, TheGovernorPausesAndSlowsByTelemetry) {
  LoopBench free, governed;
  ASSERT_TRUE(*TrainingLoop(*free.trainer, free.options(), free.clock).run(free.work()));
  LoopOptions options = governed.options();
  options.telemetry = [&] {
    const double now = governed.clock.seconds();
    Telemetry telemetry{.time_s = now, .celsius = 20, .load = 0};
    if (now >= 4 && now < 10) telemetry.celsius = 100;
    if (now >= 10) telemetry.load = 0.9;
    return telemetry;
  };
  options.governor = [](const Telemetry& now, const Pace& before) {
    return keep_limits({.warm_celsius = 70, .hot_celsius = 90, .busy_load = 0.5}, now, before);
  };
  ASSERT_TRUE(*TrainingLoop(*governed.trainer, options, governed.clock).run(governed.work()));
  ASSERT_EQ(governed.history.size(), free.history.size());
  for (size_t i = 0; i < free.history.size(); ++i) {
    EXPECT_EQ(governed.history[i].loss, free.history[i].loss);
  }
  EXPECT_DOUBLE_EQ(governed.history[3].elapsed_s, 4);   // cool: a second a step
  EXPECT_DOUBLE_EQ(governed.history[4].elapsed_s, 12);  // hot for six, then at half the pace
  EXPECT_DOUBLE_EQ(governed.history[5].elapsed_s, 14);
}

// Without a clock of the test: whoever resumes ends the wait, from another thread.
TEST(TrainingLoop, ResumesFromAnotherThread) {
  const test::TemporaryFolder folder;
  const std::string checkpoint = folder / "checkpoint";
  LoopBench bench;
  const SystemClock clock;
  TrainingLoop loop(*bench.trainer, {.checkpoint = checkpoint, .look_every_s = 600}, clock);
  loop.pause();
  std::thread other([&] {  // the pause has begun when its checkpoint is there
    EXPECT_TRUE(test::eventually([&] { return std::filesystem::exists(checkpoint); }));
    EXPECT_EQ(bench.history.size(), 0u);
    loop.resume();
  });
  EXPECT_TRUE(*loop.run(bench.work()));
  other.join();
  ASSERT_EQ(bench.history.size(), 12u);
  EXPECT_GT(bench.history[0].waited_s, 0);
}

TEST(TrainingLoop, AnErrorAfterAStepEndsTheRun) {
  LoopBench bench;
  TrainingLoop loop(*bench.trainer, bench.options(), bench.clock);
  LoopWork work = bench.work();
  work.after_step = [](const LoopProgress&) -> Status { return make_error(Code::Io, "no"); };
  EXPECT_EQ(loop.run(work).error().code, Code::Io);
  EXPECT_EQ(bench.trainer->steps(), 1);
}

}  // namespace
}  // namespace verge::runtime
