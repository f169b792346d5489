#include <algorithm>
#include <map>
#include <mutex>
#include <sstream>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <verge/core/result.hpp>
#include <verge/platform/telemetry/metrics.hpp>

namespace verge::telemetry {
namespace {

bool is_name(std::string_view name, std::string_view also) {
  const auto is_allowed = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           also.find(c) != std::string_view::npos || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, is_allowed);
}

prometheus::Labels checked(const Labels& labels) {
  prometheus::Labels result;
  for (const auto& [name, value] : labels) {
    VERGE_CHECK(is_name(name, "") && name != "le" && !name.starts_with("__"), name);
    VERGE_CHECK(result.emplace(name, value).second, name);
  }
  return result;
}

// The serializer escapes label values, but not help texts.
std::string escaped_help(const std::string& help) {
  std::string result;
  for (const char c : help) {
    if (c == '\\') result += "\\\\";
    if (c == '\n') result += "\\n";
    if (c != '\\' && c != '\n') result += c;
  }
  return result;
}

}  // namespace

struct MetricsRegistry::Families {
  enum class Kind { Counter, Gauge, Histogram };

  void claim(const std::string& name, const std::string& help, Kind kind) {
    VERGE_CHECK(is_name(name, ":") && !help.empty(), name, help);
    const std::lock_guard lock(mutex);
    const bool is_same_kind = kinds.emplace(name, kind).first->second == kind;
    VERGE_CHECK(is_same_kind, name);
  }

  prometheus::Registry registry;
  std::mutex mutex;
  std::map<std::string, Kind> kinds;
};

MetricsRegistry::MetricsRegistry() : families_(std::make_unique<Families>()) {}
MetricsRegistry::~MetricsRegistry() = default;

Counter MetricsRegistry::counter(const std::string& name, const std::string& help,
                                 const Labels& labels) {
  const prometheus::Labels series = checked(labels);
  families_->claim(name, help, Families::Kind::Counter);
  auto& family =
      prometheus::BuildCounter().Name(name).Help(escaped_help(help)).Register(families_->registry);
  return Counter(&family.Add(series));
}

Gauge MetricsRegistry::gauge(const std::string& name, const std::string& help,
                             const Labels& labels) {
  const prometheus::Labels series = checked(labels);
  families_->claim(name, help, Families::Kind::Gauge);
  auto& family =
      prometheus::BuildGauge().Name(name).Help(escaped_help(help)).Register(families_->registry);
  return Gauge(&family.Add(series));
}

Histogram MetricsRegistry::histogram(const std::string& name, const std::string& help,
                                     const std::vector<double>& bounds, const Labels& labels) {
  const bool is_ascending =
      std::ranges::adjacent_find(bounds, std::greater_equal<>()) == bounds.end();
  VERGE_CHECK(is_ascending, name);
  const prometheus::Labels series = checked(labels);
  families_->claim(name, help, Families::Kind::Histogram);
  auto& family = prometheus::BuildHistogram()
                     .Name(name)
                     .Help(escaped_help(help))
                     .Register(families_->registry);
  return Histogram(&family.Add(series, bounds));
}

std::string MetricsRegistry::text() const {
  std::vector<prometheus::MetricFamily> families = families_->registry.Collect();
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  for (prometheus::MetricFamily& family : families) {
    for (prometheus::ClientMetric& series : family.metric) {
      std::sort(series.label.begin(), series.label.end());
    }
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

std::vector<double> exponential_bounds(double first, double factor, int count) {
  std::vector<double> bounds;
  for (double bound = first; count > 0; --count, bound *= factor) bounds.push_back(bound);
  return bounds;
}

void Counter::add(double amount) {
  if (counter_ != nullptr) counter_->Increment(amount);
}

double Counter::value() const {
  return counter_ == nullptr ? 0 : counter_->Value();
}

void Gauge::set(double value) {
  if (gauge_ != nullptr) gauge_->Set(value);
}

void Gauge::add(double amount) {
  if (gauge_ != nullptr) gauge_->Increment(amount);
}

double Gauge::value() const {
  return gauge_ == nullptr ? 0 : gauge_->Value();
}

void Histogram::observe(double value) {
  if (histogram_ != nullptr) histogram_->Observe(value);
}

}  // namespace verge::telemetry
