#pragma once
// The range of an activation that its 8-bit levels shall cover, from its values on samples.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <verge/engine/nn/value_range.hpp>

namespace verge::fit {

using nn::ValueRange;

enum class CalibrationMethod {
  MinMax,      // all that was seen
  Percentile,  // all but the rarest at each end
  Entropy,     // the clip whose rounding changes the distribution least
};

std::optional<CalibrationMethod> calibration_method(std::string_view name);
std::string_view name(CalibrationMethod method);

/// Values counted in bins of one width. Values outside count in the first or last bin; those that
/// are no numbers are passed over.
class Histogram {
 public:
  static constexpr size_t kBins = 2048;

  /// `range.low` < `range.high`; `of_magnitudes`: of |x|, from 0 to the larger of both. Zeros are
  /// then passed over: they have a level of their own, and would outweigh all else behind a ReLU.
  Histogram(ValueRange range, bool of_magnitudes);

  void add(std::span<const float> values);
  std::span<const double> counts() const { return counts_; }
  double low() const { return low_; }
  double width() const { return width_; }
  double total() const { return total_; }

 private:
  double low_, width_, total_ = 0;
  bool of_magnitudes_;
  std::vector<double> counts_;
};

/// The values between which `percentile` % of all lie, as many outside on each side; of values.
ValueRange percentile_range(const Histogram& histogram, double percentile);

/// The magnitude T at which the distribution of |x|, cut at T, and the same rounded to `levels`
/// levels differ least by Kullback and Leibler's divergence (Migacz, "8-bit inference with
/// TensorRT", GTC 2017); of magnitudes.
double entropy_threshold(const Histogram& histogram, int levels);

/// Levels of u8 that cover a range: x = (level - zero) * scale. 0 has a level of its own.
struct LevelScale {
  float scale = 1;
  int32_t zero = 0;
};
LevelScale scale_of(ValueRange range);

/// Power of the values over that of what levels lose of them, in dB; of a histogram of values.
double levels_sqnr(const Histogram& histogram, const LevelScale& by);

}  // namespace verge::fit
