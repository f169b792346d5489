#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/nn/cnn.hpp>
#include <verge/stages/fit/scheme_search/evolution.hpp>

namespace verge::fit {
namespace {

graph::Graph four_layers() {
  return *nn::build_cnn(
      {.channels = 1, .height = 8, .width = 8, .classes = 3, .stages = {{4, 4}, {8, 8}}}, 1);
}

// A knapsack: value and weight of each gene are known, and so is the best of all 5 * 5^4.
TEST(Evolution, FindsTheBestOfAKnapsack) {
  const SearchSpace space(four_layers());
  const auto value = [](const Genome& genome) -> double {
    constexpr double kValue[] = {5, 3, 8, 1}, kPrice[] = {4, 2, 7, 1};
    double worth = static_cast<double>(genome.biases),
           price = 2.0 * static_cast<double>(genome.biases);
    for (size_t i = 0; i < genome.weights.size(); ++i) {
      worth += kValue[i] * genome.weights[i];
      price += kPrice[i] * genome.weights[i];
    }
    return price <= 23 ? worth : -1e6 - price;
  };
  double best = -1e9;
  for (size_t code = 0; code < 5 * 625; ++code) {
    Genome genome{code / 625, {}};
    for (size_t i = 0, rest = code % 625; i < 4; ++i, rest /= 5) {
      genome.weights.push_back(static_cast<uint8_t>(rest % 5));
    }
    best = std::max(best, value(genome));
  }
  const Fitness fitness = [&](const Genome& genome) -> Result<double> { return value(genome); };
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const auto found = evolve(space, fitness, {.seed = seed});
    ASSERT_TRUE(found);
    EXPECT_EQ(value(found->front().genome), best);
    EXPECT_EQ(found->front().fitness, best);
    EXPECT_EQ(found->front().genome, evolve(space, fitness, {.seed = seed})->front().genome);
    EXPECT_TRUE(std::ranges::is_sorted(*found, std::ranges::greater(), &ScoredGenome::fitness));
  }
}

// The gains of the layers are alike, what is paid is how deep the deepest update lies. Single genes
// would have to be given up all at once.
TEST(Evolution, GivesUpWhatLiesDeepTogether) {
  const SearchSpace space(four_layers());
  const Genome best = space.tail(2, 4);
  const Fitness fitness = [&](const Genome& genome) -> Result<double> {
    double worth = 0;
    for (const uint8_t gene : genome.weights) worth += gene;
    const auto depth = static_cast<double>(space.blocks() - space.first_block(genome));
    const double price = 10 * depth + worth + static_cast<double>(genome.biases);
    return price <= 10 * 2 + 8 + 2 ? worth + 0.1 * static_cast<double>(genome.biases)
                                   : kUnfit - price;
  };
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const auto found =
        evolve(space, fitness, {.population = 20, .generations = 10, .elite = 6, .seed = seed});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->front().genome, best);
  }
}

TEST(Evolution, LooksAtEachShareOfTheLastBlocksAndAtEachBlockAlone) {
  const SearchSpace space(four_layers());
  const auto all =
      evolve(space, [](const Genome&) -> Result<double> { return 0.0; }, {.generations = 0});
  ASSERT_TRUE(all);
  for (size_t block = 0; block < space.blocks(); ++block) {
    Genome alone = space.head();
    alone.weights[block] = 4;
    EXPECT_EQ(std::ranges::count(*all, alone, &ScoredGenome::genome), 1);
    for (uint8_t share = 1; share <= std::size(kSearchRatios); ++share) {
      EXPECT_EQ(std::ranges::count(*all, space.tail(block, share), &ScoredGenome::genome), 1);
    }
  }
  EXPECT_EQ(std::ranges::count(*all, space.head(), &ScoredGenome::genome), 1);
}

TEST(Evolution, EndsWhenToldAndWithTheErrorOfAFitness) {
  const SearchSpace space(four_layers());
  size_t generations = 0;
  const auto one = evolve(
      space, [](const Genome&) -> Result<double> { return 0.0; }, {},
      [&](size_t, double) { return ++generations < 3; });
  EXPECT_TRUE(one);
  EXPECT_EQ(generations, 3u);
  const auto failed =
      evolve(space, [](const Genome&) -> Result<double> { return make_error(Code::Io, "no"); }, {});
  EXPECT_FALSE(failed);
}

}  // namespace
}  // namespace verge::fit
