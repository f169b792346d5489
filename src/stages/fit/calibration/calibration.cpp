#include <algorithm>
#include <cmath>

#include <verge/stages/fit/calibration/calibration.hpp>

namespace verge::fit {

void Calibration::see(const std::string& name, std::span<const float> values) {
  seen_[name].add(values);
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!std::ranges::all_of(values, is_finite)) not_finite_.insert(name);
}

void Calibration::start_counting() {
  for (const auto& [name, range] : seen_) {
    if (!(range.high > range.low)) continue;
    values_.try_emplace(name, range, false);
    magnitudes_.try_emplace(name, range, true);
  }
}

void Calibration::count(const std::string& name, std::span<const float> values) {
  const auto found = values_.find(name);
  if (found == values_.end()) return;
  found->second.add(values);
  magnitudes_.at(name).add(values);
}

nn::ValueRange Calibration::range(const std::string& name) const {
  const nn::ValueRange seen = seen_.at(name);
  const auto values = values_.find(name);
  if (values == values_.end() || method_ == CalibrationMethod::MinMax) return seen;
  if (method_ == CalibrationMethod::Percentile) {
    return percentile_range(values->second, percentile_);
  }
  const int levels = seen.low < 0 ? 128 : 256;
  const auto most = static_cast<float>(entropy_threshold(magnitudes_.at(name), levels));
  return {std::max(seen.low, -most), std::min(seen.high, most)};
}

nn::ValueRanges Calibration::ranges() const {
  nn::ValueRanges ranges;
  for (const auto& [name, seen] : seen_) ranges[name] = range(name);
  return ranges;
}

Status Calibration::expect_finite() const {
  if (not_finite_.empty()) return {};
  return make_error(Code::InvalidArgument,
                    "{}: becomes infinite or no number on the samples; give a network whose "
                    "activations are finite numbers on them",
                    *not_finite_.begin());
}

double Calibration::sqnr(const std::string& name, const LevelScale& by) const {
  const auto found = values_.find(name);
  return found == values_.end() ? HUGE_VAL : levels_sqnr(found->second, by);
}

}  // namespace verge::fit
