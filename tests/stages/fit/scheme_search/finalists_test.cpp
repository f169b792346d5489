#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <verge/stages/fit/scheme_search/finalists.hpp>

#include "../tune/toy_network.hpp"

namespace verge::fit {
namespace {

struct FinalsToy {
  test::TemporaryFolder folder;
  ThreadPool pool{1};  // steps of microseconds
  SearchOptions options;
  std::unique_ptr<ProxyTask> task;
  std::map<std::string, double> known;
  size_t kept = 0;

  FinalsToy() {
    options.model = write_toy_network(folder);
    options.data.paths = {write_toy_images(folder)};
    options.plan.shape.batch = 8;
    options.finals = {.searched = 2, .steps = 6, .seeds = 2};
    task = std::move(*ProxyTask::open(options, pool));
  }
  std::vector<std::string> plain(int64_t memory_bytes) const {
    const auto all = plain_schemes(*task, memory_bytes, [](const TrainingPlan&) { return true; });
    EXPECT_TRUE(all) << all.error().message;
    std::vector<std::string> names;
    for (const Finalist& finalist : *all) names.push_back(finalist.name);
    return names;
  }
  int64_t bytes_of(const char* scheme) const {
    return task->plan(*nn::preset_scheme(scheme, task->base().graph), 0)->memory.total();
  }
  std::vector<Finalist> all() const {
    return *plain_schemes(*task, 0, [](const TrainingPlan&) { return true; });
  }
  Result<bool> compare(std::vector<Finalist>& finalists, const std::atomic<bool>* cancel = nullptr,
                       const std::function<void(size_t, size_t)>& on_progress = {}) {
    const auto keep = [this]() -> Status {
      ++kept;
      return {};
    };
    return compare_finalists(*task, options, known, finalists, keep, on_progress, cancel);
  }
};

TEST(Finalists, AreTheBestOfEachDepth) {
  const FinalsToy toy;
  const SearchSpace space(toy.task->base().graph);
  const std::vector<ScoredGenome> ranked = {{space.tail(1, 4), 0.9},
                                            {space.tail(1, 3), 0.8},
                                            {space.head(), 0.7},
                                            {space.tail(2, 1), 0.6},
                                            {space.tail(0, 1), -1e6 - 2}};
  const auto best = best_of_depths(space, ranked, 6);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].genome, space.tail(1, 4));
  EXPECT_EQ(best[1].genome, space.tail(2, 1));
  EXPECT_EQ(best_of_depths(space, ranked, 1).size(), 1u);
}

TEST(Finalists, PlainOnesAreThoseThatFit) {
  const FinalsToy toy;
  EXPECT_EQ(toy.plain(0), (std::vector<std::string>{"full", "bias", "head"}));
  const auto of_two = toy.plain(toy.bytes_of("last:2"));
  EXPECT_EQ(std::ranges::count(of_two, "full"), 0);
  EXPECT_EQ(std::ranges::count(of_two, "last:2"), 1);
  EXPECT_TRUE(toy.plain(1).empty());
  const auto none = plain_schemes(*toy.task, 0, [](const TrainingPlan&) { return false; });
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(Finalists, ThatDoBetterComeFirst) {
  FinalsToy toy;
  std::vector<Finalist> finalists = toy.all();
  const auto done = toy.compare(finalists);
  ASSERT_TRUE(done && *done);
  EXPECT_EQ(toy.kept, finalists.size() * 4);  // three rates, and a second seed
  for (const Finalist& finalist : finalists) {
    double best = -1, second = 0;
    for (const double factor : kFinalRates) {
      const double rate = factor * toy.task->learning_rate();
      const double score = *toy.task->score(finalist.scheme, {6, rate, 1});
      if (score > best) second = *toy.task->score(finalist.scheme, {6, rate, 2});
      best = std::max(best, score);
    }
    EXPECT_NEAR(finalist.score(), (best + second) / 2, 1e-12) << finalist.name;
  }
  const double best = std::ranges::max(finalists, {}, &Finalist::score).score();
  EXPECT_GE(finalists.front().score(), best - standard_error(finalists));
}

std::vector<std::string> names_of(const std::vector<Finalist>& finalists) {
  std::vector<std::string> names;
  for (const Finalist& one : finalists) names.push_back(one.name);
  return names;
}

Finalist of_two_seeds(const char* name, double score, double half, int64_t parameters) {
  return {.name = name, .scores = {score - half, score + half}, .parameters = parameters};
}

// Two seeds that differ by 0.02, up in two and down in two: 8 squares of 0.01 over a freedom of 3,
// and half of that for a mean of two. The last one's differences are none.
TEST(Finalists, OfThoseThatAreAlikeTheOneThatUpdatesMost) {
  std::vector<Finalist> finalists = {
      of_two_seeds("worst", 0.5, 0.01, 1000), of_two_seeds("best", 0.9, -0.01, 10),
      of_two_seeds("behind", 0.885, 0.01, 500), of_two_seeds("alike", 0.895, -0.01, 200)};
  EXPECT_NEAR(standard_error(finalists), 0.01 * std::sqrt(8.0 / 3 / 2), 1e-12);
  finalists.push_back(of_two_seeds("slow", 0.91, 0, 900));
  finalists.back().is_in_time = false;
  EXPECT_NEAR(standard_error(finalists), 0.01, 1e-12);
  put_best_first(finalists);
  EXPECT_EQ(names_of(finalists),
            (std::vector<std::string>{"alike", "best", "behind", "worst", "slow"}));
  for (Finalist& one : finalists) one.scores.resize(1);
  EXPECT_EQ(standard_error(finalists), 0);
  put_best_first(finalists);
  EXPECT_EQ(finalists.front().name, "best");
}

// All find the second seed easier by as much: it tells none apart.
TEST(Finalists, WhatASeedAddsToAllIsNoError) {
  std::vector<Finalist> finalists = {of_two_seeds("best", 0.9, 0.05, 10),
                                     of_two_seeds("richer", 0.88, 0.05, 500)};
  EXPECT_NEAR(standard_error(finalists), 0, 1e-12);
  put_best_first(finalists);
  EXPECT_EQ(finalists.front().name, "best");
  finalists.resize(1);
  EXPECT_EQ(standard_error(finalists), 0);
}

TEST(Finalists, ThatDivergedWithASeedTellNothingOfTheOthers) {
  std::vector<Finalist> finalists = {
      of_two_seeds("richest", 0.9, 0, 1000), of_two_seeds("poor", 0.85, 0.01, 10),
      of_two_seeds("best", 0.9, 0.01, 20), of_two_seeds("alike", 0.895, -0.01, 30)};
  const double error = standard_error({finalists.begin() + 1, finalists.end()});
  finalists[0].scores[1] = kDiverged;
  EXPECT_NEAR(standard_error(finalists), error, 1e-12);
  EXPECT_LT(error, 0.02);
  put_best_first(finalists);
  EXPECT_EQ(names_of(finalists), (std::vector<std::string>{"alike", "best", "poor", "richest"}));
  for (Finalist& one : finalists) one.scores[0] = kDiverged;
  put_best_first(finalists);
  EXPECT_EQ(finalists.back().name, "richest");
}

TEST(Finalists, ThatAreTooSlowComeLast) {
  FinalsToy toy;
  std::vector<Finalist> finalists = toy.all();
  for (Finalist& finalist : finalists) finalist.is_in_time = finalist.name == "head";
  ASSERT_TRUE(*toy.compare(finalists));
  EXPECT_EQ(finalists.front().name, "head");
}

TEST(Finalists, WhatIsKnownIsNotMeasuredAgain) {
  FinalsToy toy;
  std::vector<Finalist> finalists = toy.all(), again = toy.all();
  std::atomic<bool> stop = false;
  const auto stopped =
      toy.compare(finalists, &stop, [&](size_t done, size_t) { stop = done == 5; });
  ASSERT_TRUE(stopped);
  EXPECT_FALSE(*stopped);
  EXPECT_EQ(toy.kept, 5u);
  ASSERT_TRUE(*toy.compare(finalists));
  EXPECT_EQ(toy.kept, finalists.size() * 4);
  ASSERT_TRUE(*toy.compare(again));
  EXPECT_EQ(toy.kept, finalists.size() * 4);
  for (size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].name, finalists[i].name);
    EXPECT_EQ(again[i].scores, finalists[i].scores);
    EXPECT_EQ(again[i].learning_rate, finalists[i].learning_rate);
  }
}

TEST(Finalists, ARateThatDivergesIsNotTheBest) {
  FinalsToy toy;
  toy.options.learning_rate = 1e12;
  std::vector<Finalist> finalists = {toy.all().front()};
  ASSERT_TRUE(*toy.compare(finalists));
  EXPECT_LT(finalists[0].score(), 0);
}

}  // namespace
}  // namespace verge::fit
