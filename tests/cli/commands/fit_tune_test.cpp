#include "../tuning_case.hpp"

namespace verge::cli {
namespace {

class FitTuneCommand : public TuningCase {};

TEST_F(FitTuneCommand, TunesByAPlanAndReports) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "bias", "--batch", "8"})).status, 0);
  const std::string out = folder_ / "out.safetensors";
  const auto json = test::run_json({"fit", "tune", "--plan", plan_, "--data", data_, "-o", out,
                                    "--delta", folder_ / "out.delta", "-t", "1", "--epochs", "2"});
  test::expect_fields(json, {"loss_before", "accuracy_after", "samples_per_s", "planned_bytes",
                             "peak_rss_bytes", "delta_bytes"});
  EXPECT_EQ(json["finished"], true);
  EXPECT_EQ(json["steps"], 12);
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_EQ(test::run_json({"inspect", out})["architecture"], "cnn");
}

TEST_F(FitTuneCommand, RefusesBadInput) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "head"})).status, 0);
  test::expect_refused(
      test::run_verge({"fit", "tune", "--plan", plan_, "--data", data_, "-t", "1"}), 2,
      "give --out FILE");
  test::expect_refused(test::run_verge({"fit", "tune", "--plan", model_, "--data", data_, "-o",
                                        folder_ / "x", "-t", "1"}),
                       1, model_);
  EXPECT_EQ(test::run_verge({"fit", "tune", "--data", data_}).status, 2);
}

}  // namespace
}  // namespace verge::cli
