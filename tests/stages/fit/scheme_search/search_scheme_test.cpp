#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>
#include <span_clock.hpp>

#include <verge/stages/fit/scheme_search/search_owner.hpp>
#include <verge/stages/fit/scheme_search/search_scheme.hpp>

#include "../tune/toy_network.hpp"

namespace verge::fit {
namespace {

struct Toy {
  test::TemporaryFolder folder;
  ThreadPool pool{1};  // steps of microseconds
  SearchOptions options;

  Toy() {
    options.model = write_toy_network(folder);
    options.data.paths = {write_toy_images(folder)};
    options.plan.shape.batch = 8;
    options.plan.memory_bytes = 120 << 10;
    options.steps = 3;
    options.learning_rate = 1e-2;
    options.evolution = {.population = 8, .generations = 4, .elite = 3};
    options.finals = {.searched = 2, .steps = 20, .seeds = 2};
    options.cache = folder / "c.json";
  }
};

TEST(SearchScheme, FindsOneThatFits) {
  Toy toy;
  const auto result = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->finished);
  EXPECT_LE(result->memory.total(), toy.options.plan.memory_bytes);
  EXPECT_EQ(result->measured, 4u + 3 * 4);
}

TEST(SearchScheme, TheBestByFineTuningIsChosen) {
  Toy toy;
  const auto result = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(result) << result.error().message;
  size_t searched = 0;
  for (const Finalist& finalist : result->finalists) {
    EXPECT_LE(finalist.score(),
              result->finalists.front().score() + standard_error(result->finalists))
        << finalist.name;
    EXPECT_LE(finalist.memory.total(), toy.options.plan.memory_bytes) << finalist.name;
    EXPECT_GT(finalist.step_ms, 0) << finalist.name;
    searched += finalist.predicted ? 1 : 0;
  }
  EXPECT_GE(searched, 1u);
  EXPECT_LE(searched, 2u);
  EXPECT_TRUE(result->scheme == result->finalists.front().scheme);
  EXPECT_EQ(std::ranges::count(result->finalists, "head", &Finalist::name), 1);
}

TEST(SearchScheme, StoppedInTheFinalsItGoesOn) {
  Toy toy;
  std::atomic<bool> stop = false;
  const auto at_final = [&](const SearchProgress& now) { stop = now.phase == "finals"; };
  const auto stopped = search_scheme(toy.options, toy.pool, SystemClock(), at_final, &stop);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_FALSE(stopped->finished);
  const auto whole = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(whole) << whole.error().message;
  std::filesystem::remove(toy.options.cache);
  const auto at_once = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(at_once) << at_once.error().message;
  ASSERT_EQ(whole->finalists.size(), at_once->finalists.size());
  for (size_t i = 0; i < whole->finalists.size(); ++i) {
    EXPECT_EQ(whole->finalists[i].name, at_once->finalists[i].name);
    EXPECT_EQ(whole->finalists[i].scores, at_once->finalists[i].scores);
  }
}

TEST(SearchScheme, StoppedItKeepsWhatItMeasured) {
  Toy toy;
  std::atomic<bool> stop = false;
  const auto stopped = search_scheme(
      toy.options, toy.pool, SystemClock(),
      [&](const SearchProgress& now) { stop = now.done == 5; }, &stop);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_FALSE(stopped->finished);
  EXPECT_EQ(stopped->measured, 5u);
  const auto whole = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(whole) << whole.error().message;
  std::filesystem::remove(toy.options.cache);
  const auto at_once = search_scheme(toy.options, toy.pool, SystemClock());
  EXPECT_EQ(whole->predicted, at_once->predicted);
  EXPECT_TRUE(whole->scheme == at_once->scheme);
}

TEST(SearchScheme, EndsBetweenGenerations) {
  Toy toy;
  std::atomic<bool> stop = false;
  size_t generations = 0;
  const auto stopped = search_scheme(
      toy.options, toy.pool, SystemClock(),
      [&](const SearchProgress& now) {
        if (now.phase == "evolution") {
          ++generations;
          stop = true;
        }
      },
      &stop);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_FALSE(stopped->finished);
  EXPECT_EQ(generations, 1u);
}

// Four runs of each plan: of the head's step they last 1 ms, of everything 10, of all others as
// told.
test::SpanClock head_then_everything(double then_ms) {
  return test::SpanClock([then_ms](size_t run) {
    return (run < 4 ? 1 : run < 8 ? 10 : then_ms) * 1e-3;
  });
}

bool has_slices(const nn::UpdateScheme& scheme) {
  return std::ranges::any_of(scheme.layers, [](const auto& layer) {
    return layer.second.kind == nn::UpdateKind::Channels && layer.second.ratio < 1;
  });
}

TEST(SearchScheme, AStepLastsNoLongerThanItMay) {
  Toy toy;
  toy.options.plan.memory_bytes = 8 << 20;
  toy.options.step_ms = 5;
  const auto result = search_scheme(toy.options, toy.pool, head_then_everything(4));
  ASSERT_TRUE(result) << result.error().message;
  const BaseModel base = *open_base_model(toy.options.model, toy.options.plan.shape);
  const SearchSpace space(base.graph);
  const auto work_of = [&](const Genome& genome) {
    return compile_training(base, space.scheme(genome), toy.options.plan, 1)->work.total();
  };
  const double head = work_of(space.head()), everything = work_of(space.tail(0, 4));
  size_t slices = 0;
  for (const Finalist& finalist : result->finalists) {
    const double line_ms = 1 + 9 * (finalist.work.total() - head) / (everything - head);
    EXPECT_LE(line_ms, 5 + 1e-9) << finalist.name;
    EXPECT_NEAR(finalist.step_ms, 4, 1e-9) << finalist.name;
    EXPECT_TRUE(finalist.is_in_time) << finalist.name;
    slices += has_slices(finalist.scheme) ? 1 : 0;
  }
  EXPECT_GE(slices, 1u);
  EXPECT_EQ(std::ranges::count(result->finalists, "full", &Finalist::name), 0);
}

TEST(SearchScheme, WhatIsMeasuredTooSlowDoesNotWin) {
  Toy toy;
  toy.options.plan.memory_bytes = 8 << 20;
  toy.options.step_ms = 5;
  const auto result = search_scheme(toy.options, toy.pool, head_then_everything(6));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GE(result->finalists.size(), 2u);
  EXPECT_EQ(result->finalists.front().name, "head");
  EXPECT_FALSE(result->finalists.back().is_in_time);
  EXPECT_TRUE(result->scheme.layers.empty());
}

TEST(SearchScheme, ATimeThatTheHeadExceedsIsRefused) {
  Toy toy;
  toy.options.step_ms = 1e-9;
  const auto refused = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--step-ms"), std::string::npos);
}

TEST(SearchScheme, MeasurementsOfLessDataAreOthers) {
  Toy toy;
  ASSERT_TRUE(search_scheme(toy.options, toy.pool, SystemClock()));
  toy.options.data.training_images = 40;
  const auto refused = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Conflict);
}

TEST(SearchScheme, WhatIsKnownIsNotMeasuredAgain) {
  Toy toy;
  const BaseModel base = *open_base_model(toy.options.model, toy.options.plan.shape);
  SearchOptions known = toy.options;
  known.data = {};
  const auto nothing = search_known(base, known, toy.pool);
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(nothing->has_value());
  std::atomic<bool> stop = false;
  ASSERT_TRUE(search_scheme(
      toy.options, toy.pool, SystemClock(),
      [&](const SearchProgress& now) { stop = now.done == 5; }, &stop));
  EXPECT_FALSE(search_known(base, known, toy.pool)->has_value());
  const auto whole = search_scheme(toy.options, toy.pool, SystemClock());
  const auto again = search_known(base, known, toy.pool);
  ASSERT_TRUE(whole && again && *again);
  EXPECT_TRUE((*again)->scheme == whole->scheme);
  EXPECT_EQ((*again)->predicted, whole->finalists.front().score());
  known.plan.memory_bytes = 500;
  EXPECT_EQ(search_known(base, known, toy.pool).error().code, Code::OutOfMemory);
}

// The analysis of one budget holds for all; what it finds in finals does not.
TEST(SearchScheme, ABudgetAboveAllThatWereSearchedGoesBySums) {
  Toy toy;
  const BaseModel base = *open_base_model(toy.options.model, toy.options.plan.shape);
  ASSERT_TRUE(search_scheme(toy.options, toy.pool, SystemClock()));
  SearchOptions asked = toy.options;
  const auto by = [&](int64_t memory_bytes) {
    asked.plan.memory_bytes = memory_bytes;
    const auto known = search_known(base, asked, toy.pool);
    EXPECT_TRUE(known && *known);
    return (*known)->by;
  };
  const int64_t small = toy.options.plan.memory_bytes, large = 8 << 20;
  EXPECT_NE(by(small).find("by fine-tuning them"), std::string::npos);
  EXPECT_NE(by(large).find("added up"), std::string::npos);
  toy.options.plan.memory_bytes = large;
  const auto of_large = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(of_large) << of_large.error().message;
  EXPECT_NE(by(large).find("of at most 8 MiB"), std::string::npos) << by(large);
  toy.options.plan.memory_bytes = small;
  ASSERT_TRUE(search_scheme(toy.options, toy.pool, SystemClock()));
  EXPECT_NE(by(large).find("of at most 8 MiB"), std::string::npos) << by(large);
  EXPECT_NE(by(small).find("of at most 120 KiB"), std::string::npos) << by(small);
}

TEST(SearchScheme, TheHeadIsTakenWhereItWon) {
  Toy toy;
  const BaseModel base = *open_base_model(toy.options.model, toy.options.plan.shape);
  toy.options.plan.memory_bytes = 8 << 20;
  ASSERT_TRUE(search_scheme(toy.options, toy.pool, SystemClock()));
  const SearchSpace space(base.graph);
  Contributions kept(space, owner_of_model(base.hash));
  ASSERT_TRUE(kept.load(toy.options.cache, true));
  const int64_t memory_bytes = 4 << 20;
  kept.add({memory_bytes, 0, {{"head", {}, 0.5}, {"full", space.scheme(space.tail(0, 4)), 0.4}}});
  ASSERT_TRUE(kept.save(toy.options.cache));
  toy.options.plan.memory_bytes = memory_bytes;
  const auto won = search_known(base, toy.options, toy.pool);
  ASSERT_TRUE(won && *won);
  EXPECT_TRUE((*won)->scheme.layers.empty());
  EXPECT_EQ((*won)->by.substr(0, 4), "head");
}

// Without finals, sums decide.
TEST(SearchScheme, AnAnalysisAloneIsKnownAsWell) {
  Toy toy;
  const BaseModel base = *open_base_model(toy.options.model, toy.options.plan.shape);
  std::atomic<bool> stop = false;
  ASSERT_TRUE(search_scheme(
      toy.options, toy.pool, SystemClock(),
      [&](const SearchProgress& now) { stop = now.phase == "evolution"; }, &stop));
  const auto known = search_known(base, toy.options, toy.pool);
  ASSERT_TRUE(known && *known);
  EXPECT_NE((*known)->by.find("added up"), std::string::npos);
  EXPECT_GE((*known)->predicted, (*known)->head_score);
  EXPECT_LE((*known)->memory.total(), toy.options.plan.memory_bytes);
}

TEST(SearchScheme, WhereNotEvenTheHeadFitsSaysWhatItTakes) {
  Toy toy;
  toy.options.plan.memory_bytes = 500;
  const auto refused = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
  toy.options.plan.memory_bytes = 0;
  EXPECT_EQ(search_scheme(toy.options, toy.pool, SystemClock()).error().code,
            Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::fit
