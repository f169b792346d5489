#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/collab_metrics.hpp>

namespace verge::serve {
namespace {

using Tokens = std::vector<int32_t>;

TEST(CollabMetrics, RatesAndTimesAreThoseOfTheirParts) {
  CollabMetrics metrics;
  EXPECT_EQ(metrics.cloud_rate(), 0);
  metrics.tokens = {4, 3, 2, 1};
  metrics.waiting_s = 5;
  metrics.server_s = 2;
  metrics.communication_s = 10;
  EXPECT_EQ(metrics.all_tokens(), 10);
  EXPECT_DOUBLE_EQ(metrics.cloud_rate(), 0.2);
  EXPECT_DOUBLE_EQ(metrics.exposed_s(), 3);
  EXPECT_DOUBLE_EQ(metrics.hidden_s(), 7);
  metrics.communication_s = 1;
  EXPECT_EQ(metrics.hidden_s(), 0);
  EXPECT_EQ(name(TokenPlace::Degraded), "degraded");
}

TEST(CollabMetrics, AgreementCountsPositions) {
  EXPECT_EQ(agreement({}, {}), 1);
  EXPECT_DOUBLE_EQ(agreement(Tokens{1, 2, 3}, Tokens{1, 9, 3}), 2 / 3.0);
  EXPECT_DOUBLE_EQ(agreement(Tokens{1, 2}, Tokens{1, 2, 3, 4}), 0.5);
}

// The longest of all common subsequences, by trying every subset of `a`.
size_t longest_by_trying(const Tokens& a, const Tokens& b) {
  size_t longest = 0;
  for (uint32_t subset = 0; subset < 1u << a.size(); ++subset) {
    size_t at = 0, found = 0;
    bool is_common = true;
    for (size_t i = 0; i < a.size() && is_common; ++i) {
      if (!(subset >> i & 1)) continue;
      while (at < b.size() && b[at] != a[i]) ++at;
      is_common = at < b.size();
      ++at, ++found;
    }
    if (is_common) longest = std::max(longest, found);
  }
  return longest;
}

TEST(CollabMetrics, RougeLIsThatOfTheLongestCommonSubsequence) {
  EXPECT_EQ(rouge_l({}, {}), 1);
  EXPECT_EQ(rouge_l(Tokens{1}, {}), 0);
  EXPECT_EQ(rouge_l(Tokens{1, 2, 3}, Tokens{1, 2, 3}), 1);
  Rng rng(2);
  for (int round = 0; round < 50; ++round) {
    Tokens a(rng.below(9)), b(1 + rng.below(9));
    for (int32_t& token : a) token = static_cast<int32_t>(rng.below(4));
    for (int32_t& token : b) token = static_cast<int32_t>(rng.below(4));
    const double expected = 2.0 * static_cast<double>(longest_by_trying(a, b)) /
                            static_cast<double>(a.size() + b.size());
    EXPECT_DOUBLE_EQ(rouge_l(a, b), expected);
    EXPECT_DOUBLE_EQ(rouge_l(b, a), expected);
  }
}

}  // namespace
}  // namespace verge::serve
