// Times of arrival against closed forms.

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/platform/net/link/link_model.hpp>

#include "sanitized.hpp"

namespace verge::net {
namespace {

LinkModel make_link(LinkOptions options) {
  auto model = LinkModel::make(std::move(options));
  EXPECT_TRUE(model) << model.error().message;
  return std::move(model).value();
}

TEST(LinkModel, MessagesQueueBehindEachOther) {
  LinkModel link = make_link({.trace = constant_link(8e6, 0.02)});  // 1 MB/s
  for (int n = 1; n <= 100; ++n) {
    EXPECT_NEAR(link.arrival(0, 10'000), n * 0.01 + 0.02, 1e-12);
    EXPECT_NEAR(link.free_at(), n * 0.01, 1e-12);
  }
  // After a rest the link is free, and it keeps nothing.
  EXPECT_NEAR(link.arrival(7, 10'000), 7.03, 1e-12);
  EXPECT_NEAR(link.arrival(7.001, 5'000), 7.035, 1e-12);
  // One that was handed over earlier leaves behind those that left before it, too.
  EXPECT_NEAR(link.arrival(3, 5'000), 7.04, 1e-12);
}

TEST(LinkModel, BurstsWithinTheBucketLeaveAtOnce) {
  LinkModel link = make_link({.trace = constant_link(8e6, 0.02), .bucket_bytes = 50'000});
  for (int n = 0; n < 5; ++n) EXPECT_NEAR(link.arrival(1, 10'000), 1.02, 1e-12);
  EXPECT_NEAR(link.arrival(1, 10'000), 1.03, 1e-12);  // the bucket is empty
  // 20 ms later 20,000 bytes are in it again.
  EXPECT_NEAR(link.arrival(1.03, 20'000), 1.05, 1e-12);
  EXPECT_NEAR(link.arrival(1.03, 1'000), 1.051, 1e-12);
}

TEST(LinkModel, BurstsBeyondTheBucketLeaveAsItFills) {
  LinkModel link = make_link({.trace = constant_link(8e6, 0), .bucket_bytes = 50'000});
  EXPECT_NEAR(link.arrival(0, 80'000), 0.03, 1e-12);
  EXPECT_NEAR(link.arrival(0.03, 10'000), 0.04, 1e-12);
  // A bucket never holds more than its size, however long the rest.
  EXPECT_NEAR(link.arrival(100, 150'000), 100.1, 1e-9);
}

TEST(LinkModel, StepsAreIntegratedExactly) {
  // 1 MB/s for 1 s, 0.25 MB/s for 2 s, 4 MB/s for ever, with delays of 10, 20 and 30 ms.
  LinkModel link = make_link(
      {.trace = {.name = "", .steps = {{0, 8e6, 0.01}, {1, 2e6, 0.02}, {3, 32e6, 0.03}}}});
  EXPECT_NEAR(link.arrival(0.5, 500'000), 1.02, 1e-9);  // all of the first step
  EXPECT_NEAR(link.arrival(0.5, 250'000), 2.02, 1e-9);  // half of the second
  EXPECT_NEAR(link.arrival(2, 1'250'000), 3.28, 1e-9);  // 0.25 MB of it and 1 MB of the third
  EXPECT_NEAR(link.arrival(50, 4'000'000), 51.03, 1e-9);
}

struct HandedOver {
  double time_s;
  int64_t bytes;
};

// When each message has left, by taking small steps of time.
std::vector<double> stepped_departures(const LinkTrace& trace, double bucket,
                                       const std::vector<HandedOver>& messages, double step_s) {
  std::vector<double> left_s;
  double tokens = bucket, sent = 0;
  size_t step = 0;
  for (int64_t tick = 0; left_s.size() < messages.size(); ++tick) {
    const double now_s = static_cast<double>(tick) * step_s;
    const double within_s = std::fmod(now_s, trace.period_s);
    step = within_s < trace.steps[step].time_s ? 0 : step;
    while (step + 1 < trace.steps.size() && trace.steps[step + 1].time_s <= within_s) ++step;
    const double rate = trace.steps[step].bandwidth_bps / 8;
    tokens += rate * step_s;
    while (rate > 0 && left_s.size() < messages.size()) {
      const HandedOver& message = messages[left_s.size()];
      if (message.time_s > now_s) break;
      const double now_sent = std::min(tokens, static_cast<double>(message.bytes) - sent);
      tokens -= now_sent;
      sent += now_sent;
      if (sent < static_cast<double>(message.bytes)) break;
      left_s.push_back(now_s + step_s);
      sent = 0;
    }
    tokens = std::min(tokens, bucket);
  }
  return left_s;
}

TEST(LinkModel, SmallStepsOfTimeAgree) {
  const double step_s = 1e-4;
  Rng rng(3);
  for (int round = 0; round < (test::kSanitized ? 5 : 40); ++round) {
    LinkTrace trace = {.name = "", .steps = {}, .period_s = 0};
    for (int i = 0; i < 5; ++i) {
      const bool is_outage = i > 0 && rng.below(3) == 0;
      trace.steps.push_back({trace.period_s, is_outage ? 0 : 1e5 + 1e6 * rng.uniform(), 0.01});
      trace.period_s += 0.05 + 0.5 * rng.uniform();
    }
    const int64_t bucket = rng.below(2) * rng.below(50'000);
    std::vector<HandedOver> messages;
    double handed_s = 0;
    for (int i = 0; i < 30; ++i) {
      messages.push_back({handed_s, 1 + rng.below(20'000)});
      handed_s += rng.below(3) * 0.1 * rng.uniform();
    }
    const auto expected = stepped_departures(trace, static_cast<double>(bucket), messages, step_s);
    LinkModel link = make_link({.trace = trace, .bucket_bytes = bucket});
    const LinkCapacity capacity(trace);
    for (size_t i = 0; i < messages.size(); ++i) {
      const double there_s = link.arrival(messages[i].time_s, messages[i].bytes);
      // Compared in bytes: a step more or less can be a whole outage.
      EXPECT_NEAR(capacity.bytes_by(link.free_at()), capacity.bytes_by(expected[i]), 500)
          << "round " << round << " message " << i;
      EXPECT_NEAR(there_s, link.free_at() + 0.01, 1e-9);
    }
  }
}

TEST(LinkModel, ASmallerDelayLetsNothingOvertake) {
  LinkModel link = make_link({.trace = {.name = "", .steps = {{0, 8e9, 1.0}, {1, 8e9, 0.1}}}});
  EXPECT_NEAR(link.arrival(0.9, 1000), 1.9, 1e-5);
  EXPECT_NEAR(link.arrival(1.1, 1000), 1.9, 1e-5);
  EXPECT_NEAR(link.arrival(2.0, 1000), 2.1, 1e-5);
}

TEST(LinkModel, AnOutageHoldsWhatHasNotLeft) {
  const LinkTrace trace = {
      .name = "", .steps = {{0, 8e6, 0.05}, {1, 0, 0.05}, {11, 8e6, 0.05}}, .period_s = 20};
  LinkModel link = make_link({.trace = trace, .bucket_bytes = 1000});
  EXPECT_NEAR(link.arrival(0.98, 1000), 1.03, 1e-9);      // on its way when the link goes down
  EXPECT_NEAR(link.arrival(0.99, 211'000), 11.25, 1e-9);  // 10 ms of it, the rest 10 s later
  // Nothing leaves while it is down, though the bucket is full.
  LinkModel full = make_link({.trace = trace, .bucket_bytes = 1000});
  EXPECT_NEAR(full.arrival(5, 1000), 11.05, 1e-9);
  EXPECT_NEAR(full.arrival(5, 1000), 11.051, 1e-9);
  EXPECT_NEAR(full.arrival(22, 1000), 31.05, 1e-9);  // in the second round
}

TEST(LinkModel, ADeadLinkNeverDelivers) {
  LinkModel link = make_link({.trace = constant_link(0, 0), .bucket_bytes = 1000, .loss = 0.1});
  EXPECT_TRUE(std::isinf(link.arrival(1, 10)));
  EXPECT_TRUE(std::isinf(link.arrival(2, 10)));
  EXPECT_TRUE(std::isinf(link.free_at()));
}

TEST(LinkModel, JitterIsUniformAndKeepsTheOrder) {
  LinkModel link = make_link({.trace = constant_link(8e9, 0.1), .jitter_s = 0.04, .seed = 5});
  const int count = test::kSanitized ? 2000 : 20000;
  double sum = 0, least = 1, most = 0;
  for (int n = 0; n < count; ++n) {  // so far apart that none waits for another
    const double extra = link.arrival(n, 1000) - (n + 1e-6 + 0.1);
    sum += extra;
    least = std::min(least, extra);
    most = std::max(most, extra);
  }
  EXPECT_NEAR(sum / count, 0.02, 5 * 0.04 / std::sqrt(12.0 * count));
  EXPECT_GE(least, -1e-9);
  EXPECT_LE(most, 0.04);
  EXPECT_GT(most, 0.0395);
  LinkModel close = make_link({.trace = constant_link(8e9, 0.1), .jitter_s = 0.04, .seed = 5});
  double last = 0;
  for (int n = 0; n < 1000; ++n) {
    const double there = close.arrival(n * 0.001, 1000);
    EXPECT_GE(there, last);
    last = there;
  }
}

// A packet is lost k times with probability p^k (1 - p): p / (1 - p) time-outs on average.
TEST(LinkModel, LossCostsTimeOutsAsOftenAsItIsDrawn) {
  const double loss = 0.1, timeout_s = 0.3;
  const int count = test::kSanitized ? 4000 : 40000;
  double sum = 0;
  for (int seed = 0; seed < count; ++seed) {
    LinkModel link = make_link({.trace = constant_link(8e6, 0.02),
                                .loss = loss,
                                .retransmission_s = timeout_s,
                                .seed = static_cast<uint64_t>(seed)});
    const double extra = link.arrival(0, 1400) - 0.0214;
    EXPECT_NEAR(extra / timeout_s, std::round(extra / timeout_s), 1e-9);
    sum += extra;
  }
  const double deviation = timeout_s * std::sqrt(loss) / (1 - loss);
  EXPECT_NEAR(sum / count, timeout_s * loss / (1 - loss), 4 * deviation / std::sqrt(count));
}

// A message of n packets that leave at once waits for the unluckiest: the greatest of n geometric
// numbers, sum over k of 1 - (1 - p^k)^n.
TEST(LinkModel, AMessageWaitsForItsUnluckiestPacket) {
  const double loss = 0.02;
  const int packets = 20, count = test::kSanitized ? 2000 : 20000;
  double expected = 0;
  for (int k = 1; k < 60; ++k) expected += 1 - std::pow(1 - std::pow(loss, k), packets);
  double sum = 0;
  for (int seed = 0; seed < count; ++seed) {
    LinkModel link = make_link({.trace = constant_link(8e6, 0),
                                .bucket_bytes = 1'000'000,
                                .loss = loss,
                                .retransmission_s = 1,
                                .seed = static_cast<uint64_t>(seed)});
    sum += link.arrival(0, packets * LinkModel::kPacketBytes - 100);
  }
  EXPECT_NEAR(sum / count, expected, 4 * 0.6 / std::sqrt(count));
}

TEST(LinkModel, WhatFollowsALostPacketWaitsForIt) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    LinkModel link = make_link({.trace = constant_link(8e6, 0.02), .loss = 0.3, .seed = seed});
    double last = 0;
    for (int n = 0; n < 20; ++n) {
      const double there = link.arrival(0, 1400);
      EXPECT_GE(there, last);
      EXPECT_GE(there, (n + 1) * 0.0014 + 0.02 - 1e-12);
      last = there;
    }
    EXPECT_NEAR(link.free_at(), 20 * 0.0014, 1e-12);  // the link itself goes on
  }
}

TEST(LinkModel, TheSameSeedIsTheSameLink) {
  const LinkOptions options = {
      .trace = constant_link(8e6, 0.02), .jitter_s = 0.01, .loss = 0.1, .seed = 9};
  LinkModel a = make_link(options), b = make_link(options);
  bool differs = false;
  LinkOptions other = options;
  other.seed = 10;
  LinkModel c = make_link(other);
  for (int n = 0; n < 100; ++n) {
    const double there = a.arrival(n, 20'000);
    EXPECT_EQ(there, b.arrival(n, 20'000));
    differs |= there != c.arrival(n, 20'000);
  }
  EXPECT_TRUE(differs);
}

TEST(LinkModel, OptionsOutOfRangeAreNamed) {
  const LinkTrace good = constant_link(1e6, 0);
  const auto expect_refused_option = [](LinkOptions options, const char* part) {
    const auto model = LinkModel::make(std::move(options));
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, Code::InvalidArgument);
    EXPECT_NE(model.error().message.find(part), std::string::npos) << model.error().message;
  };
  expect_refused_option({.trace = good, .loss = 1}, "loss is 1");
  expect_refused_option({.trace = good, .loss = NAN}, "loss is nan");
  expect_refused_option({.trace = good, .jitter_s = -1}, "jitter is -1");
  expect_refused_option({.trace = good, .bucket_bytes = -1}, "bucket is -1");
  expect_refused_option({.trace = good, .retransmission_s = HUGE_VAL}, "time-out is inf");
  expect_refused_option({.trace = {}}, "0 steps");
}

}  // namespace
}  // namespace verge::net
