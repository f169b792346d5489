#include <filesystem>

#include <gtest/gtest.h>

#include <verge/stages/fit/scheme_search/search_scheme.hpp>

#include "../tune/toy_network.hpp"

namespace verge::fit {
namespace {

struct Toy {
  test::TemporaryFolder folder;
  ThreadPool pool{2};
  SearchOptions options;

  Toy() {
    options.model = write_toy_network(folder);
    options.data.paths = {write_toy_images(folder)};
    options.plan.shape.batch = 8;
    options.plan.memory_bytes = 120 << 10;
    options.steps = 3;
    options.evolution = {.population = 8, .generations = 4, .elite = 3};
    options.cache = folder / "c.json";
  }
};

TEST(SearchScheme, FindsOneThatFits) {
  Toy toy;
  const auto result = search_scheme(toy.options, toy.pool, SystemClock());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->finished);
  EXPECT_LE(result->memory.total(), toy.options.plan.memory_bytes);
  EXPECT_GE(result->predicted, result->head_score);
  EXPECT_EQ(result->measured, 4u + 3 * 4);
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

// Nine looks at each of two plans: the runs of the head's step last 1 ms, those of everything
// 10 ms.
class HeadThenEverything : public Clock {
 public:
  double seconds() const override {
    const size_t look = looks_ % 9;
    if (look > 0 && look % 2 == 0) now_ += looks_ < 9 ? 1e-3 : 10e-3;
    ++looks_;
    return now_;
  }

 private:
  mutable double now_ = 0;
  mutable size_t looks_ = 0;
};

TEST(SearchScheme, AStepLastsNoLongerThanItMay) {
  Toy toy;
  toy.options.plan.memory_bytes = 8 << 20;
  toy.options.step_ms = 5;
  const auto result = search_scheme(toy.options, toy.pool, HeadThenEverything());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GE(result->step_ms, 1);
  EXPECT_LE(result->step_ms, 5);
  const BaseModel base = *open_base_model(toy.options.model, toy.options.plan.shape);
  const double head = compile_chosen(base, "head", toy.options.plan, 2)->work.total();
  EXPECT_GE(result->work.total(), head);
  if (result->work.total() > head) {
    EXPECT_GT(result->step_ms, 1);
  }
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
  EXPECT_EQ((*again)->predicted, whole->predicted);
  known.plan.memory_bytes = 500;
  EXPECT_EQ(search_known(base, known, toy.pool).error().code, Code::OutOfMemory);
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
