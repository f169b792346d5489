#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/passes/min_cut.hpp>

namespace verge::graph {
namespace {

struct LabelCosts {
  std::vector<int64_t> of_zero, of_one;
  std::vector<std::vector<int64_t>> of_both;

  LabelCosts(size_t items, Rng& rng)
      : of_zero(items), of_one(items), of_both(items, std::vector<int64_t>(items)) {
    for (size_t i = 0; i < items; ++i) {
      of_zero[i] = rng.below(20);
      of_one[i] = rng.below(20);
      for (size_t j = 0; j < items; ++j) {
        if (i != j && rng.below(2) == 0) of_both[i][j] = rng.below(12);
      }
    }
  }
  int64_t sum(const std::vector<bool>& is_one) const {
    int64_t total = 0;
    for (size_t i = 0; i < is_one.size(); ++i) {
      total += is_one[i] ? of_one[i] : of_zero[i];
      for (size_t j = 0; j < is_one.size(); ++j) {
        if (!is_one[i] && is_one[j]) total += of_both[i][j];
      }
    }
    return total;
  }
};

TEST(MinCut, NoLabelsCostLess) {
  Rng rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    const size_t items = 1 + rng.below(8);
    const LabelCosts costs(items, rng);
    MinCut cut(items);
    for (size_t i = 0; i < items; ++i) {
      cut.cost_of_zero(i, costs.of_zero[i]);
      cut.cost_of_one(i, costs.of_one[i]);
      for (size_t j = 0; j < items; ++j) cut.cost_of_both(i, j, costs.of_both[i][j]);
    }
    int64_t least = MinCut::kNever;
    for (uint32_t bits = 0; bits < 1u << items; ++bits) {
      std::vector<bool> labels(items);
      for (size_t i = 0; i < items; ++i) labels[i] = (bits >> i & 1) != 0;
      least = std::min(least, costs.sum(labels));
    }
    EXPECT_EQ(costs.sum(cut.solve()), least) << trial;
  }
}

TEST(MinCut, NeverIsNever) {
  MinCut cut(1);
  const size_t added = cut.add_item();
  cut.cost_of_one(0, MinCut::kNever);
  cut.cost_of_zero(0, 1000);
  cut.cost_of_zero(added, 5);
  cut.cost_of_both(0, added, MinCut::kNever);
  EXPECT_EQ(cut.solve(), (std::vector<bool>{false, false}));
}

}  // namespace
}  // namespace verge::graph
