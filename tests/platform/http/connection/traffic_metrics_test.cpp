#include <gtest/gtest.h>

#include <verge/platform/http/connection/traffic_metrics.hpp>
#include <verge/platform/telemetry/metrics.hpp>

#include "exposition.hpp"

namespace verge::http {
namespace {

TEST(TrafficMetrics, TellWhatHappened) {
  telemetry::MetricsRegistry registry;
  TrafficMetrics one(&registry), other(&registry);
  one.opened();
  other.opened();
  other.closed();
  one.answered(200, 0.5, 10, 100);
  other.answered(200, 0.25, 1, 2);
  one.answered(404, 0.001, 0, 50);
  one.ended("too_slow");
  const auto told = test::Exposition::parse(registry.text());
  EXPECT_EQ(told.value("verge_http_connections"), 1);
  EXPECT_EQ(told.value("verge_http_connections_total"), 2);
  EXPECT_EQ(told.value("verge_http_requests_total", {{"status", "200"}}), 2);
  EXPECT_EQ(told.value("verge_http_requests_total", {{"status", "404"}}), 1);
  EXPECT_EQ(told.value("verge_http_received_bytes_total"), 11);
  EXPECT_EQ(told.value("verge_http_sent_bytes_total"), 152);
  EXPECT_EQ(told.value("verge_http_request_seconds_count"), 3);
  EXPECT_EQ(told.value("verge_http_ended_total", {{"reason", "too_slow"}}), 1);
}

TEST(TrafficMetrics, NoRegistryIsNeeded) {
  TrafficMetrics metrics(nullptr);
  metrics.opened();
  metrics.answered(200, 1, 1, 1);
  metrics.ended("x");
  metrics.closed();
}

}  // namespace
}  // namespace verge::http
