#pragma once
// Calibration: the ranges of a network's activations, from their values on samples.
//
//   Calibration calibration(CalibrationMethod::Entropy);
//   for each sample: calibration.see(name, values);
//   calibration.start_counting();                 // unless the method is MinMax
//   for each sample: calibration.count(name, values);
//   calibration.range(name);

#include <map>
#include <set>
#include <string>

#include <verge/core/result.hpp>
#include <verge/stages/fit/calibration/ranges.hpp>

namespace verge::fit {

/// Names are of values that share one range.
class Calibration {
 public:
  explicit Calibration(CalibrationMethod method, double percentile = 99.99)
      : method_(method), percentile_(percentile) {}

  /// Passes over what is no finite number, and remembers that it was there.
  void see(const std::string& name, std::span<const float> values);
  /// All has been seen: the same values are counted from here on.
  void start_counting();
  void count(const std::string& name, std::span<const float> values);

  /// What was seen, where nothing was counted.
  nn::ValueRange range(const std::string& name) const;
  nn::ValueRanges ranges() const;
  /// Fails with InvalidArgument, naming a value, where some of what was seen is no finite number.
  Status expect_finite() const;
  /// levels_sqnr of the values counted; infinite for a value that is constant or not counted.
  double sqnr(const std::string& name, const LevelScale& by) const;

 private:
  CalibrationMethod method_;
  double percentile_;
  nn::ValueRanges seen_;
  std::set<std::string> not_finite_;
  std::map<std::string, Histogram> values_, magnitudes_;
};

}  // namespace verge::fit
