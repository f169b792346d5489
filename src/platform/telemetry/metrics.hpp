#pragma once
// Metrics of a process in Prometheus' exposition format 0.0.4: counters, gauges and histograms,
// each a family with a name, a help text and one series for each set of labels.
//
//   MetricsRegistry metrics;
//   Counter tokens = metrics.counter("verge_tokens_total", "Tokens drawn.", {{"model", "qwen"}});
//   tokens.add(3);                          // any thread, lock-free
//   answer(metrics.text());                 // "# HELP verge_tokens_total Tokens drawn.\n..."
//
// Registry and handles may be used by any thread. Handles are small, copyable, valid while the
// registry lives; one made by default counts nothing, so that metrics can be left out. Names of
// metrics are an interface: they never change their meaning.

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace verge::telemetry {

/// Name and value; values may hold any UTF-8. Few values each: every set is a series for ever.
using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  Counter() = default;
  /// `amount` >= 0; a negative one is ignored.
  void add(double amount = 1);
  double value() const;

 private:
  friend class MetricsRegistry;
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  prometheus::Counter* counter_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void set(double value);
  void add(double amount = 1);
  double value() const;

 private:
  friend class MetricsRegistry;
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  prometheus::Gauge* gauge_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  void observe(double value);

 private:
  friend class MetricsRegistry;
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  prometheus::Histogram* histogram_ = nullptr;
};

/// Upper bounds first, first * factor, ... of `count` buckets, for quantities over several decades.
std::vector<double> exponential_bounds(double first, double factor, int count);

class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  /// The series of these labels, made at the first call: later calls give the same one. A name is
  /// [a-zA-Z_:][a-zA-Z0-9_:]*, a label [a-zA-Z_][a-zA-Z0-9_]* and not "le"; anything else, no
  /// help, or a name of another kind is a bug (InternalError). Takes a lock: keep the handle.
  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// `bounds`: upper bounds of the buckets, inclusive, ascending; +Inf is added. The first call for
  /// a set of labels decides.
  Histogram histogram(const std::string& name, const std::string& help,
                      const std::vector<double>& bounds, const Labels& labels = {});

  /// All series, families by name, as "text/plain; version=0.0.4".
  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace verge::telemetry
