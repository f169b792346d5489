#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/fit/calibration/calibration.hpp>

namespace verge::fit {
namespace {

// Normal values in portions, with one far outlier.
std::vector<std::vector<float>> portions() {
  Rng rng(11);
  std::vector<std::vector<float>> all(20, std::vector<float>(2000));
  for (auto& portion : all) {
    for (float& value : portion) value = rng.normal();
  }
  all[3][7] = 100;
  return all;
}

nn::ValueRange range_by(CalibrationMethod method, double percentile = 99.9) {
  Calibration calibration(method, percentile);
  for (const auto& values : portions()) calibration.see("x", values);
  calibration.start_counting();
  for (const auto& values : portions()) calibration.count("x", values);
  return calibration.range("x");
}

TEST(Calibration, EachMethodCutsWhatIsRare) {
  EXPECT_EQ(range_by(CalibrationMethod::MinMax).high, 100);
  EXPECT_LT(range_by(CalibrationMethod::Percentile).high, 5);
  EXPECT_GT(range_by(CalibrationMethod::Percentile).high, 2);
  EXPECT_LT(range_by(CalibrationMethod::Entropy).high, 25);
}

TEST(Calibration, ExtremesNeedNoCounting) {
  Calibration calibration(CalibrationMethod::Entropy);
  calibration.see("a", std::vector<float>{-2, 3});
  calibration.see("a", std::vector<float>{4});
  calibration.see("b", std::vector<float>{1});
  const nn::ValueRanges wanted = {{"a", {-2, 4}}, {"b", {0, 1}}};
  EXPECT_EQ(calibration.ranges(), wanted);
  EXPECT_EQ(calibration.sqnr("a", {}), HUGE_VAL);
}

TEST(Calibration, WhatIsNoNumberIsNamed) {
  Calibration calibration(CalibrationMethod::MinMax);
  calibration.see("a", std::vector<float>{-2, 3});
  EXPECT_TRUE(calibration.expect_finite());
  for (const float value : {HUGE_VALF, -HUGE_VALF, NAN}) {
    Calibration other = calibration;
    other.see("b", std::vector<float>{1, value});
    other.see("b", std::vector<float>{1});
    const Status status = other.expect_finite();
    ASSERT_FALSE(status) << value;
    EXPECT_EQ(status.error().code, Code::InvalidArgument);
    EXPECT_TRUE(status.error().message.starts_with("b:")) << status.error().message;
  }
}

TEST(Calibration, WhatIsConstantHasNoHistogram) {
  Calibration calibration(CalibrationMethod::Percentile);
  calibration.see("zeros", std::vector<float>(5));
  calibration.start_counting();
  calibration.count("zeros", std::vector<float>(5));
  EXPECT_EQ(calibration.range("zeros"), nn::ValueRange());
  EXPECT_EQ(calibration.sqnr("zeros", {}), HUGE_VAL);
}

}  // namespace
}  // namespace verge::fit
