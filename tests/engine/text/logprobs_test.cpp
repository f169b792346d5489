#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/text/logprobs.hpp>

namespace verge::text {
namespace {

TEST(Logprobs, AreTheLogarithmsOfTheSoftmax) {
  const std::vector<float> logits = {1000 + std::log(0.1f), 1000 + std::log(0.6f),
                                     1000 + std::log(0.3f)};
  for (const auto& [token, p] : {std::pair{0, 0.1}, {1, 0.6}, {2, 0.3}}) {
    EXPECT_NEAR(token_logprob(logits, token), std::log(p), 1e-3) << token;
  }
}

TEST(Logprobs, TopTokensComeMostLikelyFirst) {
  const std::vector<float> logits = {0, 2, -INFINITY, 2, 1};
  const std::vector<TokenLogprob> top = top_logprobs(logits, 9);
  ASSERT_EQ(top.size(), 4u);
  const int32_t order[] = {1, 3, 4, 0};
  double sum = 0;
  for (size_t i = 0; i < top.size(); ++i) {
    EXPECT_EQ(top[i].token, order[i]);
    EXPECT_FLOAT_EQ(top[i].logprob, token_logprob(logits, top[i].token));
    sum += std::exp(top[i].logprob);
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(top_logprobs(logits, 2).size(), 2u);
  EXPECT_TRUE(top_logprobs(logits, 0).empty());
}

TEST(Logprobs, OfNothingPossibleAreMinusInfinity) {
  EXPECT_EQ(log_sum_exp(std::vector<float>{-INFINITY, -INFINITY}), -INFINITY);
  EXPECT_EQ(log_sum_exp({}), -INFINITY);
}

}  // namespace
}  // namespace verge::text
