#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/api/access/quota.hpp>

namespace verge::serve::api {
namespace {

TEST(Bucket, RefillsEvenly) {
  Bucket bucket(60, 60);
  EXPECT_EQ(bucket.available(0), 60);
  bucket.take(60, 0);
  EXPECT_EQ(bucket.available(0), 0);
  EXPECT_DOUBLE_EQ(bucket.wait_s(1, 0), 1);
  EXPECT_EQ(bucket.available(10), 10);
  EXPECT_DOUBLE_EQ(bucket.reset_s(10), 50);
  EXPECT_EQ(bucket.available(1000), 60);
  EXPECT_TRUE(std::isinf(bucket.wait_s(61, 0)));
}

TEST(Bucket, WithoutALimitNothingIsShort) {
  Bucket bucket(0, 60);
  bucket.take(1'000'000, 0);
  EXPECT_EQ(bucket.wait_s(1'000'000, 0), 0);
}

TEST(Bucket, GoesOnWhereAnotherProcessStopped) {
  Bucket bucket(100, 100);
  bucket.restore(70, 80, 100);  // 20 s ago
  EXPECT_EQ(bucket.used(100), 50);
  EXPECT_EQ(bucket.available(110), 60);
  bucket.restore(10, 110, 110);
  EXPECT_EQ(bucket.used(110), 40) << "nothing is given back";
  bucket.restore(60, 500, 110);  // a clock that went backwards
  EXPECT_EQ(bucket.used(110), 60);
  Bucket unlimited(0, 100);
  unlimited.restore(5, 0, 0);
  EXPECT_EQ(unlimited.used(0), 0);
}

TEST(Quota, ReservesBeforeAndSettlesAfter) {
  Quota quota({.tokens_per_minute = 1000});
  const auto first = quota.reserve({.prompt = 100, .answer = 500}, 0);
  ASSERT_TRUE(first.granted);
  EXPECT_EQ(first.reserved_tokens, 600);
  const auto second = quota.reserve({.prompt = 100, .answer = 500}, 0);
  EXPECT_FALSE(second.granted);
  EXPECT_EQ(second.refused_by, "tokens per minute");
  EXPECT_NEAR(second.retry_after_s, 12, 0.1);
  quota.settle(first, 150, 0);
  EXPECT_TRUE(quota.reserve({.prompt = 100, .answer = 500}, 0).granted);
}

TEST(Quota, OtherLimitsKeepWhatIsUsedAndRunning) {
  Quota quota({.tokens_per_minute = 1000, .max_concurrent = 2});
  const auto first = quota.reserve({.prompt = 100, .answer = 500}, 0);
  quota.change({.tokens_per_minute = 700, .max_concurrent = 1}, 0);
  EXPECT_EQ(quota.tokens(0).available(0), 100);
  EXPECT_EQ(quota.reserve({.prompt = 1, .answer = 1}, 0).refused_by, "concurrent requests");
  quota.settle(first, 600, 0);
  EXPECT_EQ(quota.tokens(0).available(0), 100);
  EXPECT_TRUE(quota.reserve({.prompt = 1, .answer = 1}, 0).granted);
}

TEST(Quota, OpenAnswersAreCutToWhatIsLeft) {
  Quota quota({.tokens_per_minute = 1000});
  const auto open = quota.reserve({.prompt = 100, .answer_limit = 4000}, 0);
  ASSERT_TRUE(open.granted);
  EXPECT_EQ(open.answer, 900);
  EXPECT_FALSE(quota.reserve({.prompt = 100, .answer_limit = 4000}, 0).granted);
  Quota free({});
  EXPECT_EQ(free.reserve({.prompt = 5, .answer_limit = 70, .answers = 3}, 0).answer, 70);
}

TEST(Quota, WhatNeverFitsIsNotToBeRetried) {
  Quota quota({.tokens_per_minute = 100});
  const auto decision = quota.reserve({.prompt = 50, .answer = 51}, 0);
  EXPECT_FALSE(decision.granted);
  EXPECT_EQ(decision.retry_after_s, 0);
}

TEST(Quota, WindowsAreIndependent) {
  Quota quota({.requests_per_minute = 2, .tokens_per_minute = 1000});
  for (int i = 0; i < 2; ++i) quota.settle(quota.reserve({.prompt = 10, .answer = 10}, 0), 20, 0);
  const auto refused = quota.reserve({.prompt = 10, .answer = 10}, 0);
  EXPECT_EQ(refused.refused_by, "requests per minute");
  EXPECT_EQ(quota.tokens(0).available(0), 960);  // a refusal takes nothing
  EXPECT_TRUE(quota.reserve({.prompt = 10, .answer = 10}, 31).granted);
}

TEST(Quota, ConcurrencyIsCounted) {
  Quota quota({.max_concurrent = 1});
  const auto first = quota.reserve({.prompt = 1, .answer = 1}, 0);
  EXPECT_EQ(quota.reserve({.prompt = 1, .answer = 1}, 0).refused_by, "concurrent requests");
  quota.settle(first, 2, 0);
  EXPECT_TRUE(quota.reserve({.prompt = 1, .answer = 1}, 0).granted);
}

// However reservations overlap, what is used in any window stays within the limit and its refill.
TEST(Quota, UseNeverPassesTheLimit) {
  struct Running {
    Quota::Decision granted;
    double end_s;
    int64_t used;
  };
  constexpr int64_t kLimit = 1000;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    Quota quota({.tokens_per_minute = kLimit});
    std::vector<Running> running;
    std::vector<std::pair<double, int64_t>> used;  // when reserved, how much
    double now_s = 0;
    for (int step = 0; step < 3000; ++step) {
      now_s += rng.uniform() * 2;
      std::erase_if(running, [&](const Running& one) {
        if (one.end_s > now_s) return false;
        quota.settle(one.granted, one.used, now_s);
        return true;
      });
      const auto granted =
          quota.reserve({.prompt = rng.below(50), .answer = rng.below(400)}, now_s);
      if (!granted.granted) continue;
      const int64_t use = rng.below(static_cast<uint32_t>(granted.reserved_tokens) + 1);
      running.push_back({granted, now_s + rng.uniform() * 90, use});
      used.emplace_back(now_s, use);
    }
    for (size_t first = 0; first < used.size(); ++first) {
      int64_t sum = 0;
      for (size_t i = first; i < used.size() && i < first + 200; ++i) {
        sum += used[i].second;
        const double elapsed = used[i].first - used[first].first;
        ASSERT_LE(static_cast<double>(sum), kLimit + elapsed * kLimit / 60 + 1) << seed;
      }
    }
  }
}

}  // namespace
}  // namespace verge::serve::api
