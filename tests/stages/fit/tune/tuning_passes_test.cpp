// Steps of several passes: what they learn is what one pass over all their samples does.

#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include "toy_training.hpp"

namespace verge::fit {
namespace {

using graph::OptimizerKind;

// Losses of steps and what they learned, of `passes` over batches of 8 / passes.
struct OfPasses {
  std::vector<double> losses;
  std::map<std::string, std::vector<float>> weights;
  TrainingMemory memory;

  OfPasses(const std::string& scheme, int64_t passes, graph::OptimizerSpec optimizer) {
    Toy toy;
    const BaseShape shape{.batch = 8 / passes};
    toy.base = toy_base(toy.folder, shape.batch);
    toy.data = std::move(*open_task_data(toy.base, shape, {.paths = {toy.folder / "images.csv"}}));
    const PlanOptions options{.shape = shape, .optimizer = optimizer, .accumulate = passes};
    const auto plan = compile_chosen(toy.base, scheme, options, toy.pool.size());
    EXPECT_TRUE(plan) << plan.error().message;
    memory = plan->memory;
    const auto run = toy.run(*plan);
    for (int step = 0; step < 20; ++step) {
      double sum = 0;
      for (int64_t pass = 0; pass < passes; ++pass) {
        run->fill(step * passes + pass);
        run->trainer().step();
        sum += double{*run->trainer().output("loss").as<float>()};
      }
      losses.push_back(sum / static_cast<double>(passes));
    }
    EXPECT_EQ(run->trainer().steps(), 20);
    for (const auto& [name, weight] : toy.base.weights) weights[name] = *run->tuned(name);
  }
};

TEST(TuningPasses, PassesMakeTheStepOfTheirPicturesInLessMemory) {
  const graph::OptimizerSpec optimizers[] = {{.kind = OptimizerKind::Sgd},
                                             {.kind = OptimizerKind::AdamW}};
  for (const graph::OptimizerSpec& optimizer : optimizers) {
    for (const char* scheme : {"full", "bias", "last:1"}) {
      const OfPasses whole(scheme, 1, optimizer), parts(scheme, 4, optimizer);
      EXPECT_LT(parts.memory.arena_bytes, 0.5 * static_cast<double>(whole.memory.arena_bytes));
      for (size_t i = 0; i < whole.losses.size(); ++i) {
        EXPECT_NEAR(whole.losses[i], parts.losses[i], 1e-3) << scheme << " step " << i;
      }
      for (const auto& [name, weight] : whole.weights) {
        for (size_t i = 0; i < weight.size(); ++i) {
          EXPECT_NEAR(weight[i], parts.weights.at(name)[i], 2e-3) << scheme << " " << name;
        }
      }
    }
  }
}

// A run over a small language model, for as many windows a pass.
struct TextRun {
  test::TemporaryFolder folder;
  BaseModel base;
  std::unique_ptr<TaskData> data;
  TrainingPlan plan;
  std::unique_ptr<TuningRun> run;

  TextRun(const std::string& scheme, const PlanOptions& options, ThreadPool& pool)
      : base(std::move(*open_base_model(test::write_model(folder, test::tiny_spec("tiny-llama")),
                                        options.shape))) {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
    data = std::move(*open_task_data(base, options.shape, {.paths = {folder.add("t.txt", text)}}));
    folder.add("half.json", R"({"layers": {"blk.1.ffn_up.weight": {"ratio": 0.5}}})");
    const bool is_file = scheme.ends_with(".json");
    plan =
        std::move(*compile_chosen(base, is_file ? folder / scheme : scheme, options, pool.size()));
    run =
        std::move(*TuningRun::create(base, plan, *data, {.peak = 0.5, .steps = 8}, false, 1, pool));
  }
  TensorView input(const char* name) { return run->trainer().input(name); }
  double loss() { return double{*run->trainer().output("loss").as<float>()}; }
};

// Copies the windows of a pass.
void give_windows(TextRun& from, TextRun& to, int64_t pass) {
  for (const char* name : {"tokens", "targets"}) {
    const auto all = from.input(name).span<int32_t>(), some = to.input(name).span<int32_t>();
    std::ranges::copy(all.subspan(static_cast<size_t>(pass) * some.size(), some.size()),
                      some.begin());
  }
  const auto all = from.input("positions").span<int32_t>();
  const auto some = to.input("positions").span<int32_t>();
  std::ranges::copy(all.first(some.size()), some.begin());
}

// Of plain descent, whose steps are as gradients are. The last loss.
double expect_same_steps(const std::string& scheme, double global_norm) {
  constexpr int64_t kPasses = 4;
  ThreadPool pool(1);
  PlanOptions options{.shape = {.batch = kPasses, .tokens = 16}};
  options.optimizer = {.kind = OptimizerKind::Sgd, .global_norm = global_norm};
  TextRun whole(scheme, options, pool);
  options.shape.batch = 1;
  options.accumulate = kPasses;
  TextRun parts(scheme, options, pool);
  for (int step = 0; step < 8; ++step) {
    whole.run->fill(step);
    whole.run->trainer().step();
    double sum = 0;
    for (int64_t pass = 0; pass < kPasses; ++pass) {
      give_windows(whole, parts, pass);
      parts.run->trainer().step();
      sum += parts.loss();
    }
    EXPECT_NEAR(whole.loss(), sum / kPasses, 1e-4) << scheme << " step " << step;
  }
  float moved = 0;
  for (const auto& [name, weight] : whole.base.weights) {
    const std::vector<float> before = whole.base.values(name);
    const std::vector<float> wanted = *whole.run->tuned(name), found = *parts.run->tuned(name);
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(wanted[i], found[i], 1e-5) << scheme << " " << name;
      moved = std::max(moved, std::abs(wanted[i] - before[i]));
    }
  }
  EXPECT_GT(moved, 1e-3f) << scheme;
  return whole.loss();
}

TEST(TuningPasses, AccumulateForSomeChannelsOfAWeight) {
  expect_same_steps("half.json", 0);
}

TEST(TuningPasses, AreClippedTogether) {
  const double clipped = expect_same_steps("lora:2", 0.1);
  ThreadPool pool(1);
  const PlanOptions options{.shape = {.batch = 4, .tokens = 16},
                            .optimizer = {.kind = OptimizerKind::Sgd}};
  TextRun unclipped("lora:2", options, pool);
  for (int step = 0; step < 8; ++step) {
    unclipped.run->fill(step);
    unclipped.run->trainer().step();
  }
  EXPECT_GT(clipped, unclipped.loss() + 1e-3);
}

TEST(TuningPasses, RefusesAnUpdateOfWhatNoPassReads) {
  Toy toy;
  const TrainingPlan good = toy.plan("head", {.accumulate = 2});
  const auto refusal = [&](const std::function<void(graph::Graph&)>& change) {
    TrainingPlan plan = good;
    change(plan.update->graph);
    const auto run = TuningRun::create(toy.base, plan, *toy.data, {}, false, 1, toy.pool);
    return run ? std::string("taken") : run.error().message;
  };
  const auto value = [](graph::Graph& graph, const char* name) -> graph::Value& {
    return graph.value(graph.find(name));
  };
  EXPECT_EQ(refusal([](graph::Graph&) {}), "taken");
  EXPECT_THAT(refusal([&](graph::Graph& g) { value(g, "lr").name = "rate"; }),
              testing::HasSubstr("the plan's lr"));
  EXPECT_THAT(refusal([&](graph::Graph& g) { value(g, "head.weight").type.dims[0] = 99; }),
              testing::HasSubstr("the plan's head.weight"));
  EXPECT_THAT(refusal([&](graph::Graph& g) { value(g, "head.weight").name = "images"; }),
              testing::HasSubstr("the plan's images"));
  EXPECT_FALSE(refusal([&](graph::Graph& g) { value(g, "head.bias.g").type.dims[0] = 99; }) ==
               "taken");
}

// As a file may say that no compilation wrote: what a program that does not update overwrites is
// the model's file, as it is mapped.
TEST(TuningPasses, RefusesAPlanThatOverwritesTheModelBesideItsUpdate) {
  Toy toy;
  const auto overwrite_head = [](graph::Graph& graph) {
    for (graph::Value& value : graph.values) {
      const bool is_between = value.kind == graph::ValueKind::Activation && !value.is_output &&
                              value.alias_of == graph::kNone;
      if (!is_between) continue;
      value.alias_of = graph.find("head.weight");
      return;
    }
  };
  const auto expect_refused = [&](const TrainingPlan& plan, const char* program) {
    const auto run = TuningRun::create(toy.base, plan, *toy.data, {}, false, 1, toy.pool);
    ASSERT_FALSE(run) << program;
    EXPECT_EQ(run.error().code, Code::Conflict);
    EXPECT_THAT(run.error().message, testing::HasSubstr(fmt::format(
                                         "{} overwrites head.weight; compile it anew", program)));
  };
  for (const int64_t passes : {1, 2}) {
    const TrainingPlan good = toy.plan("head", {.accumulate = passes});
    EXPECT_TRUE(TuningRun::create(toy.base, good, *toy.data, {}, false, 1, toy.pool));
    TrainingPlan bad = good;
    overwrite_head(bad.evaluate.graph);
    expect_refused(bad, "evaluate");
    if (passes == 1) continue;
    bad = good;
    overwrite_head(bad.step.graph);
    expect_refused(bad, "step");
  }
}

}  // namespace
}  // namespace verge::fit
