#include <string>

#include <verge/platform/http/connection/traffic_metrics.hpp>

namespace verge::http {

TrafficMetrics::TrafficMetrics(telemetry::MetricsRegistry* registry) : registry_(registry) {
  if (registry == nullptr) return;
  connections_ = registry->gauge("verge_http_connections", "Open connections.");
  accepted_ = registry->counter("verge_http_connections_total", "Connections accepted.");
  received_ = registry->counter("verge_http_received_bytes_total", "Bytes of request bodies.");
  sent_ = registry->counter("verge_http_sent_bytes_total", "Bytes of answers, heads included.");
  seconds_ = registry->histogram("verge_http_request_seconds",
                                 "From the first byte of a request to the last of its answer.",
                                 telemetry::exponential_bounds(0.001, 4, 10));
}

void TrafficMetrics::ended(std::string_view reason) {
  if (registry_ == nullptr) return;
  registry_
      ->counter("verge_http_ended_total", "Connections and answers that were cut, by reason.",
                {{"reason", std::string(reason)}})
      .add();
}

void TrafficMetrics::answered(int status, double seconds, double request_bytes,
                              double answer_bytes) {
  if (registry_ == nullptr) return;
  auto found = by_status_.find(status);
  if (found == by_status_.end()) {
    const auto counter = registry_->counter("verge_http_requests_total", "Answers, by status.",
                                            {{"status", std::to_string(status)}});
    found = by_status_.emplace(status, counter).first;
  }
  found->second.add();
  seconds_.observe(seconds);
  received_.add(request_bytes);
  sent_.add(answer_bytes);
}

}  // namespace verge::http
