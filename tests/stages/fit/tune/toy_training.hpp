#pragma once
// Runs over the small classifier of toy_network.hpp, and over a small language model.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include <verge/stages/fit/tune/tuning_run.hpp>

#include "toy_network.hpp"

namespace verge::fit {

struct Toy {
  test::TemporaryFolder folder;
  ThreadPool pool{2};
  BaseModel base = toy_base(folder);
  std::unique_ptr<TaskData> data =
      std::move(*open_task_data(base, {.batch = 8}, {.paths = {write_toy_images(folder)}}));

  TrainingPlan plan(const std::string& scheme, PlanOptions options = {}) {
    options.shape.batch = 8;
    auto plan = compile_chosen(base, scheme, options, pool.size());
    EXPECT_TRUE(plan) << plan.error().message;
    return std::move(*plan);
  }

  std::unique_ptr<TuningRun> run(const TrainingPlan& plan, bool has_new_head = false,
                                 double rate = 3e-3) {
    auto run =
        TuningRun::create(base, plan, *data, {.peak = rate, .steps = 200}, has_new_head, 1, pool);
    EXPECT_TRUE(run) << run.error().message;
    return std::move(*run);
  }

  static std::vector<float> losses(TuningRun& run, int steps) {
    std::vector<float> losses;
    for (int i = 0; i < steps; ++i) {
      run.fill(i);
      run.trainer().step();
      losses.push_back(*run.trainer().output("loss").as<float>());
    }
    return losses;
  }
};

// A language model, its text and a plan of low-rank factors.
struct FactoredToy {
  test::TemporaryFolder folder;
  ThreadPool pool{2};
  BaseShape shape{.batch = 2, .tokens = 16};
  BaseModel base =
      std::move(*open_base_model(test::write_model(folder, test::tiny_spec("tiny-llama")), shape));
  std::unique_ptr<TaskData> data;
  TrainingPlan plan;

  FactoredToy() {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
    data = std::move(*open_task_data(base, shape, {.paths = {folder.add("t.txt", text)}}));
    PlanOptions options;
    options.shape = shape;
    plan = std::move(*compile_chosen(base, "lora:2", options, pool.size()));
  }
  auto run(bool has_new_head = false) {
    return TuningRun::create(base, plan, *data, {.peak = 0.01, .steps = 9}, has_new_head, 1, pool);
  }
};

}  // namespace verge::fit
