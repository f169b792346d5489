#pragma once
// ServiceMetrics: what /metrics and the live page tell of a running service. The names are an
// interface: docs/guide.md lists them, and a test compares.

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <verge/core/clock.hpp>
#include <verge/platform/telemetry/metrics.hpp>
#include <verge/stages/serve/scheduler/request.hpp>
#include <verge/stages/serve/scheduler/snapshot.hpp>

namespace verge::serve::api {

/// Quantiles of what was seen in the last minute; negative when nothing was.
struct Percentiles {
  double p50 = -1, p90 = -1, p99 = -1;
  int64_t count = 0;
};

/// Values of the last `window_s` seconds, at most kMost of them. Not for several threads at once.
class RecentValues {
 public:
  static constexpr size_t kMost = 8192;
  explicit RecentValues(double window_s = 60) : window_s_(window_s) {}
  void add(double value, double now_s);
  Percentiles percentiles(double now_s);

 private:
  struct Entry {
    double at_s, value;
  };
  void drop_old(double now_s);
  double window_s_;
  std::deque<Entry> entries_;
};

struct Latencies {
  Percentiles ttft, tpot;
};

/// Any thread.
class ServiceMetrics {
 public:
  ServiceMetrics(telemetry::MetricsRegistry& registry, const Clock& clock);

  /// One HTTP answer; `path` is turned into one of few routes.
  void on_answer(std::string_view path, int status);
  /// The end of one request of the scheduler.
  void on_end(const std::string& model, const End& end);
  /// Brings gauges and what the scheduler counts up to date; several times a second, so that no
  /// load is missed.
  void watch(const Snapshot& snapshot);
  /// The same, then all series as text.
  std::string text(const Snapshot& snapshot, int64_t rss_bytes);
  /// TTFT and TPOT of a model over the last minute.
  Latencies latencies(const std::string& model);

 private:
  struct Seen {  // of the scheduler's counters
    int64_t prefill = 0, decode = 0, drafts = 0, accepted = 0, hits = 0, cached = 0,
            preemptions = 0, stream_read = 0;
    double stream_wait_s = 0;
    LoadState state = LoadState::Unloaded;
  };
  void update(const ModelSnapshot& model);
  void update_stream(const ModelSnapshot& model, Seen& seen);
  template <typename T>
  void count(const char* name, const char* help, const telemetry::Labels& labels, T now, T& before);

  telemetry::MetricsRegistry& registry_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Seen> seen_;
  int64_t refused_ = 0, failed_ = 0;  // of the scheduler's, too
  std::map<std::string, RecentValues> ttft_, tpot_;
};

/// The route of a path as the label of a series: "/v1/models/{id}"; "other" for unknown ones.
std::string_view route_label(std::string_view path);

}  // namespace verge::serve::api
