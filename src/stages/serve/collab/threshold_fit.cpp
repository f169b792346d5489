#include <algorithm>
#include <array>
#include <cmath>

#include <verge/stages/serve/collab/threshold_fit.hpp>

namespace verge::serve {
namespace {

// How far the first exit's threshold falls for each step that the second one's does.
constexpr std::array<double, 4> kPaths = {0, 0.25, 0.5, 1};
// Half of the steps lie above 0.9, where most of the tokens' confidences do.
constexpr int kPathSteps = 100;

// Step 0 is both at 1; the last has the second exit keep everything.
double looseness(int step) {
  const double x = static_cast<double>(step) / kPathSteps;
  return x <= 0.5 ? 0.2 * x : 0.1 + 1.8 * (x - 0.5);
}

// log of the chance of at most `failures` of `trials`, each of chance p.
double log_binomial_tail(int64_t failures, int64_t trials, double p) {
  const double odds = std::log(p) - std::log1p(-p);
  const auto n = static_cast<double>(trials);
  double term = n * std::log1p(-p), largest = term;
  std::vector<double> terms = {term};
  for (int64_t k = 1; k <= failures; ++k) {
    const auto i = static_cast<double>(k);
    term += std::log((n - i + 1) / i) + odds;
    largest = std::max(largest, term);
    terms.push_back(term);
  }
  double sum = 0;
  for (const double each : terms) sum += std::exp(each - largest);
  return largest + std::log(sum);
}

// upper_bound(...) <= most, without its search.
bool is_within(BoundKind kind, int64_t failures, int64_t trials, double delta, double most) {
  if (kind == BoundKind::Hoeffding) return upper_bound(kind, failures, trials, delta) <= most;
  if (failures == trials) return most >= 1;
  return static_cast<double>(failures) < most * static_cast<double>(trials) &&
         log_binomial_tail(failures, trials, most) <= std::log(delta);
}

bool keeps(double confidence, double theta) {
  return theta < 1 && confidence >= theta;
}

struct Counts {
  int64_t exit1 = 0;
  int64_t exit2 = 0;
  int64_t disagreeing = 0;
};

Counts count_exits(std::span<const ExitRecord> records, double theta1, double theta2) {
  Counts counts;
  for (const ExitRecord& record : records) {
    if (keeps(record.confidence1, theta1)) {
      ++counts.exit1;
      counts.disagreeing += !record.agrees1;
    } else if (keeps(record.confidence2, theta2)) {
      ++counts.exit2;
      counts.disagreeing += !record.agrees2;
    } else {
      counts.disagreeing += !record.agrees_cloud;
    }
  }
  return counts;
}

ExitRates rates_of(const Counts& counts, size_t records) {
  const auto share = [&](int64_t count) {
    return static_cast<double>(count) / static_cast<double>(records);
  };
  return {.exit1 = share(counts.exit1),
          .exit2 = share(counts.exit2),
          .cloud = share(static_cast<int64_t>(records) - counts.exit1 - counts.exit2),
          .disagreement = share(counts.disagreeing)};
}

}  // namespace

double upper_bound(BoundKind kind, int64_t failures, int64_t trials, double delta) {
  VERGE_CHECK(trials > 0 && failures >= 0 && failures <= trials, failures, trials);
  const auto n = static_cast<double>(trials);
  if (kind == BoundKind::Hoeffding) {
    return std::min(1.0, static_cast<double>(failures) / n + std::sqrt(-std::log(delta) / (2 * n)));
  }
  if (failures == trials) return 1;
  double low = static_cast<double>(failures) / n, high = 1;
  while (high - low > 1e-12) {
    const double p = (low + high) / 2;
    const bool is_likely =
        p > 0 && p < 1 && log_binomial_tail(failures, trials, p) > std::log(delta);
    (is_likely || p <= 0 ? low : high) = p;
  }
  return high;
}

ExitRates exit_rates(std::span<const ExitRecord> records, double theta1, double theta2) {
  if (records.empty()) return {};
  return rates_of(count_exits(records, theta1, theta2), records.size());
}

Result<ThresholdFit> fit_thresholds(std::span<const ExitRecord> records,
                                    const ThresholdOptions& options) {
  if (records.empty()) {
    return make_error(Code::InvalidArgument, "no calibration records; give more text");
  }
  if (!(options.agreement >= 0 && options.agreement < 1 && options.delta > 0 &&
        options.delta < 1)) {
    return make_error(Code::InvalidArgument,
                      "an agreement of {} at a risk of {}; both must be below 1, the risk above 0",
                      options.agreement, options.delta);
  }
  const double delta = options.delta / static_cast<double>(kPaths.size());
  const auto trials = static_cast<int64_t>(records.size());
  ThresholdFit best{.predicted = exit_rates(records, 1, 1)};
  for (const double slope : kPaths) {
    for (int step = 1; step <= kPathSteps; ++step) {
      const double theta1 = 1 - slope * looseness(step), theta2 = 1 - looseness(step);
      const Counts counts = count_exits(records, theta1, theta2);
      if (!is_within(options.bound, counts.disagreeing, trials, delta, 1 - options.agreement))
        break;
      const ExitRates rates = rates_of(counts, records.size());
      // Of equal shares for the server, that which leaves the device early more often.
      const bool is_better =
          rates.cloud < best.predicted.cloud ||
          (rates.cloud == best.predicted.cloud && rates.exit1 > best.predicted.exit1);
      if (is_better) best = {.theta1 = theta1, .theta2 = theta2, .predicted = rates};
    }
  }
  const auto failures = std::llround(best.predicted.disagreement * static_cast<double>(trials));
  best.bound = upper_bound(options.bound, failures, trials, delta);
  return best;
}

}  // namespace verge::serve
