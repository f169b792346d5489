#include <fstream>

#include <verge/platform/net/codec/tensor_codec.hpp>
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

constexpr int64_t kExits[] = {kExit1, kExit2};

Result<ExitCalibration> calibrate(std::span<const int32_t> text, CalibrationOptions options) {
  return calibrate_exits(*SharedModels::get().whole, kExits, text, options, SystemClock());
}

TEST(ExitCalibration, RecordsAreWhatTheHeadsSay) {
  const CalibrationOptions options = {.window = 32, .stride = 8};
  const auto text = std::span(long_text()).first(33 * 8 + 1);
  const auto calibration = calibrate(text, options);
  ASSERT_TRUE(calibration.ok()) << calibration.error().message;
  const std::vector<ExitRecord> records = calibration->records(0, 1);
  ASSERT_EQ(records.size(), 25u);
  for (const size_t i : {0, 7, 24}) {
    const size_t end = (8 + i + 1) * 8;  // tokens before the record; eight fitted temperatures
    const auto context = text.subspan((end - 1) / 32 * 32, (end - 1) % 32 + 1);
    const WholeModel whole(context);
    auto device = EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, 32);
    ASSERT_TRUE(device->append(context, [](StateRun) {}).ok());
    const ExitRecord& record = records[i];
    EXPECT_EQ(record.agrees1, text::argmax(device->exit1_logits()) == whole.next());
    EXPECT_EQ(record.agrees2, text::argmax(device->exit2_logits()) == whole.next());
    const double temperature = calibration->fits[0].temperature;
    EXPECT_NEAR(record.confidence1, exit_confidence(device->exit1_logits(), temperature), 1e-3);
  }
}

TEST(ExitCalibration, ThresholdsOfOneHalfHoldOnTheOther) {
  const auto calibration = calibrate(long_text(), {});
  ASSERT_TRUE(calibration.ok());
  for (const quality::CalibrationFit& fit : calibration->fits)
    EXPECT_LE(fit.nll_after, fit.nll_before);
  std::vector<ExitRecord> halves[2];
  const std::vector<ExitRecord> records = calibration->records(0, 1);
  for (size_t i = 0; i < records.size(); ++i) halves[i % 2].push_back(records[i]);
  const auto fit = fit_thresholds(halves[0], {.agreement = 0.8});
  ASSERT_TRUE(fit.ok());
  EXPECT_LT(fit->predicted.cloud, 1);
  const ExitRates rates = exit_rates(halves[1], fit->theta1, fit->theta2);
  EXPECT_LE(rates.disagreement, 0.2);
  EXPECT_NEAR(rates.cloud, fit->predicted.cloud, 0.1);
}

// Of each codec: the server of a device that sends its states so, beside the whole model. The first
// exit's own codec is among the exact ones; four bits move predictions, and f16 hardly does.
TEST(ExitCalibration, TheCheapestCodecThatMovesPredictionsLittleIsChosen) {
  const CalibrationOptions options = {.window = 64, .stride = 8, .most_records = 100};
  const auto calibration = calibrate(long_text(), options);
  ASSERT_TRUE(calibration.ok()) << calibration.error().message;
  ASSERT_EQ(calibration->codecs.size(), 1u);
  const ExitCodecs& codecs = calibration->codecs[0];
  ASSERT_EQ(codecs.losses.size(), options.codecs.size());
  for (size_t i = 0; i < codecs.losses.size(); ++i) {
    const CodecLoss& loss = codecs.losses[i];
    EXPECT_EQ(loss.codec, options.codecs[i]);
    EXPECT_EQ(loss.predictions, 25);
    EXPECT_EQ(loss.bytes, *net::packed_bytes(loss.codec, {SharedModels::get().split.width}));
    EXPECT_GT(loss.encode_s, 0);
    if (loss.kl > 0.005) continue;
    EXPECT_GE(loss.bytes, codecs.losses[codecs.chosen].bytes);
  }
  EXPECT_LT(codecs.losses[0].kl, 1e-4);
  EXPECT_LT(codecs.losses[0].kl, codecs.losses[2].kl);
  EXPECT_LE(codecs.losses[codecs.chosen].kl, 0.005);
  EXPECT_EQ(codecs.chosen, choose_codec(codecs.losses, {}));
}

// What the server says behind the chosen codec counts in the promise.
TEST(ExitCalibration, RecordsKnowTheServersDisagreement) {
  const CalibrationOptions options = {
      .window = 64, .stride = 8, .most_records = 400, .codecs = {"int4"}};
  const auto calibration = calibrate(long_text(), options);
  ASSERT_TRUE(calibration.ok()) << calibration.error().message;
  const auto records = calibration->records(0, 1);
  const auto differing = std::ranges::count(records, false, &ExitRecord::agrees_cloud);
  EXPECT_GT(differing, 0);
  EXPECT_EQ(exit_rates(records, 1, 1).disagreement,
            static_cast<double>(differing) / static_cast<double>(records.size()));
}

TEST(ExitCalibration, TooLittleTextIsRefused) {
  const auto text = std::span(long_text());
  EXPECT_EQ(calibrate(text.first(100), {}).error().message,
            "a text of 100 tokens says little of exits; give more than 512");
  EXPECT_EQ(calibrate(text, {.stride = 0}).error().code, Code::InvalidArgument);
  EXPECT_EQ(calibrate(text, {.codecs = {}}).error().code, Code::InvalidArgument);
  EXPECT_EQ(calibrate(text, {.codecs = {"f17"}}).error().code, Code::InvalidArgument);
  const auto with_exits = [&](std::vector<int64_t> exits) {
    return calibrate_exits(*SharedModels::get().whole, exits, text, {}, SystemClock()).error();
  };
  EXPECT_EQ(with_exits({1, kExit2}).code, Code::Unsupported);
  EXPECT_EQ(with_exits({kExit2, kExit1}).code, Code::InvalidArgument);
  EXPECT_EQ(with_exits({kExit1}).code, Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::serve
