#include <algorithm>
#include <cmath>
#include <numeric>

#include <verge/core/result.hpp>
#include <verge/stages/fit/calibration/ranges.hpp>

namespace verge::fit {
namespace {

struct MethodName {
  std::string_view name;
  CalibrationMethod method;
};
constexpr MethodName kMethods[] = {{"entropy", CalibrationMethod::Entropy},
                                   {"percentile", CalibrationMethod::Percentile},
                                   {"minmax", CalibrationMethod::MinMax}};

constexpr double kLeastShare = 1e-9;  // stands for a level that nothing was rounded to

/// Of the first `bins` bins, with all behind them in the last one, from the same as `levels` steps.
double divergence(std::span<const double> counts, size_t bins, size_t levels, double total) {
  const double inside =
      std::accumulate(counts.begin(), counts.begin() + static_cast<int64_t>(bins), 0.0);
  if (inside <= 0) return HUGE_VAL;
  double sum = 0;
  for (size_t level = 0; level < levels; ++level) {
    const size_t begin = level * bins / levels, end = (level + 1) * bins / levels;
    double mass = 0;
    size_t used = 0;
    for (size_t i = begin; i < end; ++i) {
      mass += counts[i];
      const bool is_used = counts[i] > 0 || (i + 1 == bins && inside < total);
      used += is_used ? 1 : 0;
    }
    if (used == 0) continue;
    const double rounded = std::max(mass / static_cast<double>(used) / inside, kLeastShare);
    for (size_t i = begin; i < end; ++i) {
      const double share = (counts[i] + (i + 1 == bins ? total - inside : 0)) / total;
      if (share > 0) sum += share * std::log(share / rounded);
    }
  }
  return sum;
}

// Bins of fewer values than these say more of chance than of the distribution.
constexpr double kValuesOfBin = 32;

std::vector<double> merged(const Histogram& histogram, size_t levels) {
  std::vector<double> counts(histogram.counts().begin(), histogram.counts().end());
  while (counts.size() >= 8 * levels &&
         histogram.total() < kValuesOfBin * static_cast<double>(counts.size())) {
    for (size_t i = 0; i < counts.size() / 2; ++i) counts[i] = counts[2 * i] + counts[2 * i + 1];
    counts.resize(counts.size() / 2);
  }
  return counts;
}

}  // namespace

std::optional<CalibrationMethod> calibration_method(std::string_view name) {
  const auto* found = std::ranges::find(kMethods, name, &MethodName::name);
  return found == std::end(kMethods) ? std::nullopt : std::optional(found->method);
}

std::string_view name(CalibrationMethod method) {
  return std::ranges::find(kMethods, method, &MethodName::method)->name;
}

Histogram::Histogram(ValueRange range, bool of_magnitudes)
    : low_(of_magnitudes ? 0 : range.low),
      width_(((of_magnitudes ? range.magnitude() : range.high) - low_) / kBins),
      of_magnitudes_(of_magnitudes),
      counts_(kBins) {
  VERGE_CHECK(width_ > 0, range.low, range.high);
}

void Histogram::add(std::span<const float> values) {
  for (const float given : values) {
    if (!std::isfinite(given) || (of_magnitudes_ && given == 0)) continue;
    const double value = of_magnitudes_ ? std::abs(given) : given;
    const double bin = std::clamp((value - low_) / width_, 0.0, static_cast<double>(kBins - 1));
    counts_[static_cast<size_t>(bin)] += 1;
    total_ += 1;
  }
}

ValueRange percentile_range(const Histogram& histogram, double percentile) {
  const double cut = histogram.total() * (100 - percentile) / 200;
  const auto counts = histogram.counts();
  size_t first = 0, last = counts.size();
  for (double seen = counts[0]; first + 1 < last && seen <= cut; seen += counts[first]) ++first;
  for (double seen = counts[last - 1]; last > first + 1 && seen <= cut; seen += counts[last - 1]) {
    --last;
  }
  const auto edge = [&](size_t bin) {
    return static_cast<float>(histogram.low() + static_cast<double>(bin) * histogram.width());
  };
  return {edge(first), edge(last)};
}

double entropy_threshold(const Histogram& histogram, int levels) {
  const std::vector<double> counts = merged(histogram, static_cast<size_t>(levels));
  const double width = histogram.width() * static_cast<double>(Histogram::kBins) /
                       static_cast<double>(counts.size());
  double least = HUGE_VAL;
  size_t best = counts.size();
  for (size_t bins = static_cast<size_t>(levels); bins <= counts.size(); ++bins) {
    const double now = divergence(counts, bins, static_cast<size_t>(levels), histogram.total());
    if (now > least) continue;
    least = now;
    best = bins;
  }
  return histogram.low() + static_cast<double>(best) * width;
}

LevelScale scale_of(ValueRange range) {
  const float low = std::min(range.low, 0.0f), high = std::max(range.high, 0.0f);
  const float scale = (high - low) / 255;
  if (!(scale >= 1e-20f) || !std::isfinite(scale)) return {};
  return {scale, std::clamp(static_cast<int32_t>(std::lround(-low / scale)), 0, 255)};
}

double levels_sqnr(const Histogram& histogram, const LevelScale& by) {
  double power = 0, noise = by.scale * by.scale / 12 * histogram.total();
  const double low = -by.zero * static_cast<double>(by.scale);
  const double high = (255 - by.zero) * static_cast<double>(by.scale);
  for (size_t i = 0; i < histogram.counts().size(); ++i) {
    const double count = histogram.counts()[i];
    const double value = histogram.low() + (static_cast<double>(i) + 0.5) * histogram.width();
    const double clipped = value - std::clamp(value, low, high);
    power += count * value * value;
    noise += count * clipped * clipped;
  }
  return power > 0 ? 10 * std::log10(power / noise) : HUGE_VAL;
}

}  // namespace verge::fit
