#include <set>

#include <gtest/gtest.h>
#include <manual_clock.hpp>
#include <span_clock.hpp>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/kernel_chooser.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/plan_file.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::runtime {
namespace {

/// Each run of the kernel takes what a list says of three ways, which are run in turns eight times,
/// and of the next three.
class GivenTimes : public test::SpanClock {
 public:
  explicit GivenTimes(std::vector<double> seconds)
      : SpanClock([seconds = std::move(seconds)](size_t run) {
          return seconds[(run / 24 * 3 + run % 3) % seconds.size()];
        }) {}
};

graph::Graph two_convolutions() {
  graph::Builder b("two");
  auto x = b.input("x", {DType::F32, {1, 4, 9, 9}});
  for (const char* name : {"a", "b"}) {
    const auto w = b.param(name, {DType::F32, {4, 4, 3, 3}});
    x = b.op("conv2d", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }
  b.output(x, "y");
  return *b.finish();
}

struct Chosen {
  ThreadPool pool{2};
  kernels::Isa isa = kernels::best_isa();

  Program program(KernelChooser& chooser) {
    return *make_program(two_convolutions(), isa, pool.size(), &chooser);
  }
};

TEST(KernelChooser, TakesTheFastestAndMeasuresEachCallOnce) {
  Chosen chosen;
  const GivenTimes clock({3.0, 1.0, 2.0});
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  const Program program = chosen.program(chooser);
  ASSERT_EQ(program.steps.size(), 2u);
  for (const ProgramStep& step : program.steps) EXPECT_EQ(step.choice, "winograd2");
  EXPECT_EQ(clock.looks(), 2u * 8 * 3);  // one call, as both are alike
  EXPECT_TRUE(chooser.has_measured());
  ASSERT_EQ(chooser.asked().size(), 1u);
  EXPECT_EQ(chooser.asked()[0].second[2].choice, "winograd4");
  EXPECT_EQ(chooser.asked()[0].second[2].seconds, 2.0);
}

TEST(KernelChooser, BelievesWhatIsKnownOfThisMachineAlone) {
  Chosen chosen;
  const GivenTimes clock({3.0, 1.0, 2.0});
  KernelChooser first({}, "here", chosen.pool, chosen.isa, clock);
  chosen.program(first);
  const GivenTimes idle({1.0});
  KernelChooser again(first.known(), "here", chosen.pool, chosen.isa, idle);
  EXPECT_EQ(chosen.program(again).steps[0].choice, "winograd2");
  EXPECT_EQ(idle.looks(), 0u);
  EXPECT_FALSE(again.has_measured());
  const GivenTimes other({1.0, 3.0, 3.0});
  KernelChooser elsewhere(first.known(), "there", chosen.pool, chosen.isa, other);
  EXPECT_EQ(chosen.program(elsewhere).steps[0].choice, "direct");
  EXPECT_TRUE(elsewhere.has_measured());
}

TEST(KernelChooser, MachinesDifferByProcessorInstructionsAndThreads) {
  const std::string machine = machine_of("P", kernels::Isa::Avx2, 2);
  EXPECT_NE(machine, machine_of("Q", kernels::Isa::Avx2, 2));
  EXPECT_NE(machine, machine_of("P", kernels::Isa::Generic, 2));
  EXPECT_NE(machine, machine_of("P", kernels::Isa::Avx2, 4));
}

// In a training step gradients have ways as well, and a weight that an update writes is transformed
// in each of them: a call of its own.
TEST(KernelChooser, ATrainingStepIsTimedByItsGradientsToo) {
  Chosen chosen;
  const GivenTimes clock({3.0, 1.0, 2.0});
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  graph::Graph forward = two_convolutions();
  const graph::ValueId y = forward.find("y");
  forward.value(y).is_output = false;
  graph::Builder b(std::move(forward));
  const graph::ValueId loss = b.op("mse_loss", {y, b.input("target", {DType::F32, {1, 4, 9, 9}})});
  b.output(loss, "loss");
  const graph::ValueId trained = b.graph().find("a");
  TrainerOptions options;
  options.plan = {.isa = chosen.isa, .chooser = &chooser};
  const auto step = compile_step({*b.finish(), loss, {trained}}, options, chosen.pool.size());
  ASSERT_TRUE(step) << step.error().message;
  int ways = 0;
  for (const ProgramStep& each : step->pass.steps) ways += each.choice == "winograd2" ? 1 : 0;
  EXPECT_EQ(ways, 4);
  std::multiset<std::string> asked;
  for (const auto& [call, times] : chooser.asked()) {
    EXPECT_EQ(times.size(), 3u) << call;
    asked.insert(call.substr(0, call.find(' ')) + (call.ends_with(" unpacked") ? " unpacked" : ""));
  }
  EXPECT_EQ(asked, (std::multiset<std::string>{"conv2d", "conv2d unpacked", "conv2d_grad_input",
                                               "conv2d_grad_weight"}));
  const GivenTimes idle({1.0}), slow({1.0, 2.0, 3.0});
  KernelChooser again(chooser.known(), "here", chosen.pool, chosen.isa, idle);
  EXPECT_TRUE(make_program(step->pass.graph, chosen.isa, chosen.pool.size(), &again));
  EXPECT_FALSE(again.has_measured());
  KernelChooser elsewhere(chooser.known(), "there", chosen.pool, chosen.isa, slow);
  const auto anew = make_program(step->pass.graph, chosen.isa, chosen.pool.size(), &elsewhere);
  ASSERT_TRUE(anew) << anew.error().message;
  EXPECT_TRUE(elsewhere.has_measured());
  for (const ProgramStep& each : anew->steps) EXPECT_NE(each.choice, "winograd2");
}

TEST(KernelChooser, TheTimeOfACallIsThatOfItsFastestWay) {
  Chosen chosen;
  const GivenTimes clock({3.0, 1.0, 2.0});
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  const graph::Graph graph = two_convolutions();
  EXPECT_EQ(node_seconds(graph, graph.nodes[0], chooser), 1.0);
  const size_t looks = clock.looks();
  EXPECT_EQ(node_seconds(graph, graph.nodes[1], chooser), 1.0);  // alike, and known
  EXPECT_EQ(chosen.program(chooser).steps[0].choice, "winograd2");
  EXPECT_EQ(clock.looks(), looks);
}

// The same convolution in a graph that fits the caches of its cores, and in one that does not.
TEST(KernelChooser, WhatALargeGraphLeavesInCachesIsAMeasurementOfItsOwn) {
  Chosen chosen;
  const auto graph_of = [](int64_t others) {
    graph::Builder b("large");
    const auto x = b.input("x", {DType::F32, {1, 4, 9, 9}});
    const auto w = b.param("w", {DType::F32, {4, 4, 3, 3}});
    b.output(b.op("conv2d", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}), "y");
    const auto z = b.input("z", {DType::F32, {others}});
    b.output(b.op("add", {z, z}), "sum");
    return *b.finish();
  };
  const graph::Graph small = graph_of(1 << 10), large = graph_of(1 << 20);
  EXPECT_EQ(caches_of(small, 2), Caches::Warm);
  EXPECT_EQ(caches_of(large, 2), Caches::Cold);
  EXPECT_EQ(caches_of(large, 16), Caches::Warm);
  const GivenTimes clock({3.0, 1.0, 2.0, 1.0, 2.0, 3.0});
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  EXPECT_EQ(make_program(small, chosen.isa, 2, &chooser)->steps[0].choice, "winograd2");
  EXPECT_EQ(make_program(large, chosen.isa, 2, &chooser)->steps[0].choice, "direct");
  ASSERT_EQ(chooser.asked().size(), 2u);
  EXPECT_TRUE(chooser.asked()[1].first.ends_with(" cold"));
}

TEST(KernelChooser, ShortCallsAreTimedMoreOften) {
  Chosen chosen;
  const GivenTimes clock({1e-6});
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  graph::Builder b("sum");
  const auto x = b.input("x", {DType::F32, {8}});
  b.output(b.op("add", {x, x}), "y");
  const graph::Graph graph = *b.finish();
  EXPECT_NEAR(node_seconds(graph, graph.nodes[0], chooser), 1e-6, 1e-9);
  EXPECT_EQ(clock.looks(), 2u * 40);
}

TEST(KernelChooser, EveryChoiceGivesTheSameResult) {
  Chosen chosen;
  std::vector<std::vector<float>> results;
  for (const std::vector<double>& times :
       {std::vector<double>{1, 2, 3}, std::vector<double>{2, 1, 3}, std::vector<double>{3, 2, 1}}) {
    const GivenTimes clock(times);
    KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
    WeightStore weights;
    StateStore states;
    for (const char* name : {"a", "b"}) {
      Tensor w(DType::F32, {4, 4, 3, 3});
      for (size_t i = 0; i < w.span<float>().size(); ++i) {
        w.span<float>()[i] = static_cast<float>(i % 7) - 3;
      }
      weights.add(name, std::move(w));
    }
    auto plan = Plan::compile(two_convolutions(), weights, states, chosen.pool,
                              {.isa = chosen.isa, .chooser = &chooser});
    ASSERT_TRUE(plan) << plan.error().message;
    float* x = plan->input("x").as<float>();
    for (int i = 0; i < 4 * 81; ++i) x[i] = static_cast<float>(i % 11) - 5;
    ASSERT_TRUE(plan->run({}));
    const float* y = plan->output("y").as<float>();
    results.emplace_back(y, y + 4 * 81);
  }
  for (size_t i = 0; i < results[0].size(); ++i) {
    ASSERT_NEAR(results[1][i], results[0][i], 1e-2);
    ASSERT_NEAR(results[2][i], results[0][i], 1e-2);
  }
}

TEST(KernelChooser, AConstantIsPreparedAsAWeightIs) {
  Chosen chosen;
  graph::Builder b("constant");
  const auto data = [] {
    Tensor made(DType::F32, {3, 2, 3, 3});
    for (size_t i = 0; i < 54; ++i) made.span<float>()[i] = static_cast<float>(i % 5) - 2;
    return made;
  };
  const auto x = b.input("x", {DType::F32, {1, 2, 7, 7}});
  const auto w = b.param("w", {DType::F32, {3, 2, 3, 3}});
  b.output(b.op("conv2d", {x, w}), "weight");
  b.output(b.op("conv2d", {x, b.constant("c", data())}), "constant");
  WeightStore weights;
  StateStore states;
  weights.add("w", data());
  auto plan = Plan::compile(*b.finish(), weights, states, chosen.pool, {.isa = chosen.isa});
  ASSERT_TRUE(plan) << plan.error().message;
  for (int i = 0; i < 98; ++i) plan->input("x").as<float>()[i] = static_cast<float>(i % 11) - 5;
  ASSERT_TRUE(plan->run({}));
  for (int i = 0; i < 75; ++i) {
    ASSERT_EQ(plan->output("constant").as<float>()[i], plan->output("weight").as<float>()[i]);
  }
}

TEST(KernelChooser, APlanFileKeepsTheChoice) {
  Chosen chosen;
  const GivenTimes clock({3.0, 2.0, 1.0});
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  PlanFile file{"model", {}};
  file.programs.emplace_back("main", chosen.program(chooser));
  const auto read = parse_plan(plan_content(file));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->programs[0].second.steps[1].choice, "winograd4");
  file.programs[0].second.steps[1].choice = "by hand";
  EXPECT_EQ(parse_plan(plan_content(file)).error().code, Code::Conflict);
}

TEST(KernelChooser, TimesWholeThingsInTurnAndKeepsTheFastest) {
  Chosen chosen;
  test::ManualClock clock;
  KernelChooser chooser({}, "here", chosen.pool, chosen.isa, clock);
  const std::string ways[] = {"cpu", "other"}, more[] = {"cpu", "third"};
  EXPECT_FALSE(chooser.known_choice("network", ways));
  std::vector<size_t> order;
  const size_t taken = chooser.time_choice("network", ways, [&](size_t way) {
    order.push_back(way);
    clock.advance(way == 0 ? 2 : 1);
  });
  EXPECT_EQ(taken, 1u);
  ASSERT_EQ(order.size(), 16u);
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i % 2);
  EXPECT_TRUE(chooser.has_measured());
  EXPECT_EQ(chooser.asked().size(), 1u);
  const KernelChooser again(chooser.known(), "here", chosen.pool, chosen.isa, clock);
  EXPECT_EQ(again.known_choice("network", ways), 1u);
  EXPECT_FALSE(again.known_choice("network", more));
  const KernelChooser other(chooser.known(), "elsewhere", chosen.pool, chosen.isa, clock);
  EXPECT_FALSE(other.known_choice("network", ways));
}

}  // namespace
}  // namespace verge::runtime
