#pragma once
// What one loop tells the process's metrics of its traffic. One thread.

#include <string_view>
#include <unordered_map>

#include <verge/platform/telemetry/metrics.hpp>

namespace verge::http {

class TrafficMetrics {
 public:
  /// Counts nothing without a registry.
  explicit TrafficMetrics(telemetry::MetricsRegistry* registry);

  void opened() {
    connections_.add(1);
    accepted_.add(1);
  }
  void closed() { connections_.add(-1); }
  /// verge_http_ended_total{reason}: a connection or answer that did not end by itself.
  void ended(std::string_view reason);
  void answered(int status, double seconds, double request_bytes, double answer_bytes);

 private:
  telemetry::MetricsRegistry* registry_;
  telemetry::Gauge connections_;
  telemetry::Counter accepted_, received_, sent_;
  telemetry::Histogram seconds_;
  std::unordered_map<int, telemetry::Counter> by_status_;
};

}  // namespace verge::http
