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

TEST(CollabMetrics, AllOfItSums) {
  const CollabMetrics one{.tokens = {1, 2, 3, 4},
                          .asked = 5,
                          .probes = 6,
                          .waits = 15,
                          .drafted = 16,
                          .undone = 17,
                          .late_states = 18,
                          .sent_again = 7,
                          .edge_s = 8,
                          .waiting_s = 9,
                          .server_s = 10,
                          .communication_s = 11,
                          .bytes_up = 12,
                          .bytes_down = 13,
                          .edge_layer_tokens = 14};
  CollabMetrics two = one;
  two += one;
  EXPECT_EQ(two.tokens, (std::array<int64_t, 4>{2, 4, 6, 8}));
  EXPECT_EQ(two.asked + two.probes + two.sent_again, 2 * (5 + 6 + 7));
  EXPECT_EQ(two.waits, 2 * 15);
  EXPECT_EQ(two.drafted, 2 * 16);
  EXPECT_EQ(two.undone, 2 * 17);
  EXPECT_EQ(two.late_states, 2 * 18);
  EXPECT_EQ(two.edge_s + two.waiting_s + two.server_s + two.communication_s, 2 * (8 + 9 + 10 + 11));
  EXPECT_EQ(two.bytes_up + two.bytes_down + two.edge_layer_tokens, 2 * (12 + 13 + 14));
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
