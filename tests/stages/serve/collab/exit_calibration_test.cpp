#include <fstream>

#include <verge/stages/serve/collab/exit_calibration.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

// The licence, which the shipped model was not trained on, and which does not change.
const std::vector<int32_t>& long_text() {
  static const std::vector<int32_t> tokens = [] {
    std::ifstream file(test::source_file("LICENSE"));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::vector<int32_t> all = prompt_tokens(text);
    all.resize(std::min<size_t>(all.size(), 8000));
    return all;
  }();
  return tokens;
}

Result<ExitCalibration> calibrate(std::span<const int32_t> text, CalibrationOptions options) {
  return calibrate_exits(*SharedModels::get().whole, kExit1, kExit2, text, options);
}

TEST(ExitCalibration, RecordsAreWhatTheHeadsSay) {
  const CalibrationOptions options = {.window = 32, .stride = 8};
  const auto text = std::span(long_text()).first(33 * 8 + 1);
  const auto calibration = calibrate(text, options);
  ASSERT_TRUE(calibration.ok()) << calibration.error().message;
  ASSERT_EQ(calibration->records.size(), 25u);
  for (const size_t i : {0, 7, 24}) {
    const size_t end = (8 + i + 1) * 8;  // tokens before the record; eight fitted temperatures
    const auto context = text.subspan((end - 1) / 32 * 32, (end - 1) % 32 + 1);
    const WholeModel whole(context);
    auto device = EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, 32);
    ASSERT_TRUE(device->append(context, [](StateRun) {}).ok());
    const ExitRecord& record = calibration->records[i];
    EXPECT_EQ(record.agrees1, text::argmax(device->exit1_logits()) == whole.next());
    EXPECT_EQ(record.agrees2, text::argmax(device->exit2_logits()) == whole.next());
    const double temperature = calibration->exit1.temperature;
    EXPECT_NEAR(record.confidence1, exit_confidence(device->exit1_logits(), temperature), 1e-3);
  }
}

TEST(ExitCalibration, ThresholdsOfOneHalfHoldOnTheOther) {
  const auto calibration = calibrate(long_text(), {});
  ASSERT_TRUE(calibration.ok());
  EXPECT_LE(calibration->exit1.nll_after, calibration->exit1.nll_before);
  EXPECT_LE(calibration->exit2.nll_after, calibration->exit2.nll_before);
  std::vector<ExitRecord> halves[2];
  for (size_t i = 0; i < calibration->records.size(); ++i) {
    halves[i % 2].push_back(calibration->records[i]);
  }
  const auto fit = fit_thresholds(halves[0], {.agreement = 0.8});
  ASSERT_TRUE(fit.ok());
  EXPECT_LT(fit->predicted.cloud, 1);
  const ExitRates rates = exit_rates(halves[1], fit->theta1, fit->theta2);
  EXPECT_LE(rates.disagreement, 0.2);
  EXPECT_NEAR(rates.cloud, fit->predicted.cloud, 0.1);
}

TEST(ExitCalibration, TooLittleTextIsRefused) {
  const auto text = std::span(long_text());
  EXPECT_EQ(calibrate(text.first(100), {}).error().message,
            "a text of 100 tokens says little of exits; give more than 512");
  EXPECT_EQ(calibrate(text, {.stride = 0}).error().code, Code::InvalidArgument);
  const auto none = calibrate_exits(*SharedModels::get().whole, 1, kExit2, text, {});
  EXPECT_EQ(none.error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::serve
