#pragma once
// ContextMetrics: what /metrics tells of a ContextManager. The names are an interface:
// docs/guide.md lists them.

#include <string>

#include <verge/platform/telemetry/metrics.hpp>
#include <verge/stages/serve/collab/context_sessions.hpp>

namespace verge::serve {

/// The series of one model. One thread; what the engine observes itself goes by histograms().
class ContextMetrics {
 public:
  ContextMetrics(telemetry::MetricsRegistry& registry, const std::string& model);

  /// For ContextManagerOptions.
  ContextHistograms histograms() const;
  /// Brings gauges and counters up to date.
  void update(const ContextSnapshot& now);

 private:
  void gauge(const char* name, const char* help, int64_t value);
  void count(const char* name, const char* help, double now, double before);
  void pages(const char* state, int64_t value);

  telemetry::MetricsRegistry& registry_;
  const telemetry::Labels labels_;
  ContextSnapshot seen_;
};

}  // namespace verge::serve
