// The exposition text is read back by a reader of the format.

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/platform/telemetry/metrics.hpp>

#include "exposition.hpp"

namespace verge::telemetry {
namespace {

using test::Exposition;
using test::ExpositionFamily;
using test::Sample;

Exposition read(const MetricsRegistry& metrics) {
  const Exposition exposition = Exposition::parse(metrics.text());
  EXPECT_EQ(exposition.error(), "") << metrics.text();
  return exposition;
}

TEST(Metrics, AnEmptyRegistryTellsNothing) {
  EXPECT_EQ(MetricsRegistry().text(), "");
}

TEST(Metrics, CountersAndGaugesAreTold) {
  MetricsRegistry metrics;
  Counter requests = metrics.counter("verge_requests_total", "Requests.", {{"code", "200"}});
  requests.add();
  requests.add(41);
  requests.add(-7);
  Gauge queue = metrics.gauge("verge_queue", "Waiting.");
  queue.set(5);
  queue.add(-2.5);
  const Exposition told = read(metrics);
  EXPECT_EQ(told.value("verge_requests_total", {{"code", "200"}}), 42);
  EXPECT_EQ(told.value("verge_queue"), 2.5);
  EXPECT_EQ(told.family("verge_requests_total")->type, "counter");
  EXPECT_EQ(told.family("verge_requests_total")->help, "Requests.");
  EXPECT_EQ(told.family("verge_queue")->type, "gauge");
  EXPECT_EQ(requests.value(), 42);
  EXPECT_EQ(queue.value(), 2.5);
}

TEST(Metrics, LargeCountsKeepEveryDigit) {
  MetricsRegistry metrics;
  metrics.counter("bytes_total", "B.").add(9007199254740991.0);
  metrics.gauge("nothing", "N.").set(std::numeric_limits<double>::infinity());
  const Exposition told = read(metrics);
  EXPECT_EQ(told.value("bytes_total"), 9007199254740991.0);
  EXPECT_TRUE(std::isinf(*told.value("nothing")));
}

TEST(Metrics, FamiliesAndSeriesComeInOrderOfTheirNames) {
  MetricsRegistry metrics;
  metrics.gauge("b", "B.").set(1);
  metrics.counter("c_total", "C.").add();
  for (const char* model : {"z", "a", "m"}) metrics.counter("a_total", "A.", {{"model", model}});
  const Exposition told = read(metrics);
  ASSERT_EQ(told.families().size(), 3u);
  EXPECT_EQ(told.families()[0].name, "a_total");
  EXPECT_EQ(told.families()[1].name, "b");
  std::string models;
  for (const Sample& sample : told.families()[0].samples) models += sample.labels.at("model");
  EXPECT_EQ(models, "amz");
}

TEST(Metrics, AnyTextSurvivesEscaping) {
  const std::string texts[] = {"x",          "a\\b",        "say \"x\"", "two\nlines",      "\\n",
                               "\\\"\n\\\\", "{a=\"b\"} 1", "h\xc3\xa9", "# TYPE x counter"};
  for (const std::string& text : texts) {
    MetricsRegistry metrics;
    metrics.counter("x_total", text, {{"model", text}, {"other", "1"}}).add();
    const Exposition told = read(metrics);
    EXPECT_EQ(told.value("x_total", {{"model", text}, {"other", "1"}}), 1) << text;
    ASSERT_NE(told.family("x_total"), nullptr);
    EXPECT_EQ(told.family("x_total")->help, text);
  }
}

TEST(Metrics, HistogramsAreCumulativeAndTheirBoundsInclusive) {
  MetricsRegistry metrics;
  Histogram seconds = metrics.histogram("t_seconds", "T.", {0.1, 1, 10}, {{"model", "m"}});
  const double observed[] = {0.05, 0.1, 0.5, 1, 1.5, 10, 11, 1e9};
  double sum = 0;
  for (const double value : observed) {
    seconds.observe(value);
    sum += value;
  }
  const Exposition told = read(metrics);
  EXPECT_EQ(told.family("t_seconds")->type, "histogram");
  const auto bucket = [&](const char* bound) {
    return told.value("t_seconds_bucket", {{"model", "m"}, {"le", bound}});
  };
  EXPECT_EQ(bucket("0.1"), 2);
  EXPECT_EQ(bucket("1"), 4);
  EXPECT_EQ(bucket("10"), 6);
  EXPECT_EQ(bucket("+Inf"), 8);
  EXPECT_EQ(told.value("t_seconds_count", {{"model", "m"}}), 8);
  EXPECT_DOUBLE_EQ(told.value("t_seconds_sum", {{"model", "m"}}).value_or(0), sum);
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  MetricsRegistry metrics;
  metrics.counter("x_total", "X.", {{"a", "1"}, {"b", "2"}}).add();
  metrics.counter("x_total", "X.", {{"b", "2"}, {"a", "1"}}).add();
  metrics.counter("x_total", "X.", {{"a", "1"}}).add();
  const Exposition told = read(metrics);
  EXPECT_EQ(told.value("x_total", {{"a", "1"}, {"b", "2"}}), 2);
  EXPECT_EQ(told.value("x_total", {{"a", "1"}}), 1);
}

TEST(Metrics, WhatIsNoNameIsABug) {
  MetricsRegistry metrics;
  for (const char* name : {"", "1a", "a-b", "a b", "\xc3\xa9"}) {
    EXPECT_THROW(metrics.counter(name, "H."), InternalError) << name;
    EXPECT_THROW(metrics.gauge("ok", "H.", {{name, "v"}}), InternalError) << name;
  }
  EXPECT_THROW(metrics.gauge("ok", ""), InternalError);
  EXPECT_THROW(metrics.gauge("ok", "H.", {{"le", "v"}}), InternalError);
  EXPECT_THROW(metrics.gauge("ok", "H.", {{"a:b", "v"}}), InternalError);
  EXPECT_THROW(metrics.gauge("ok", "H.", {{"a", "1"}, {"a", "2"}}), InternalError);
  EXPECT_THROW(metrics.histogram("h", "H.", {1, 1}), InternalError);
  metrics.counter("taken", "H.");
  EXPECT_THROW(metrics.gauge("taken", "H."), InternalError);
  EXPECT_NO_THROW(metrics.counter("a:b_total", "H."));
}

TEST(Metrics, HandlesMadeByDefaultCountNothing) {
  Counter counter;
  Gauge gauge;
  counter.add();
  gauge.set(3);
  Histogram().observe(1);
  EXPECT_EQ(counter.value(), 0);
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Metrics, ThreadsCountTogetherWhileOthersRead) {
  MetricsRegistry metrics;
  constexpr int kThreads = 4, kEach = 2000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&metrics] {
      Counter own = metrics.counter("x_total", "X.");
      for (int i = 0; i < kEach; ++i) {
        own.add();
        metrics.histogram("h", "H.", {0.5}).observe(1);
        if (i % 500 == 0) {
          EXPECT_EQ(Exposition::parse(metrics.text()).error(), "");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Exposition told = read(metrics);
  EXPECT_EQ(told.value("x_total"), kThreads * kEach);
  EXPECT_EQ(told.value("h_count"), kThreads * kEach);
  EXPECT_EQ(told.value("h_bucket", {{"le", "0.5"}}), 0);
}

TEST(ExponentialBounds, GrowByTheFactor) {
  EXPECT_EQ(exponential_bounds(0.5, 2, 4), (std::vector<double>{0.5, 1, 2, 4}));
  EXPECT_TRUE(exponential_bounds(1, 2, 0).empty());
}

}  // namespace
}  // namespace verge::telemetry
