#include <filesystem>

#include <verge/core/file.hpp>

#include "tuning_case.hpp"

namespace verge::cli {
namespace {

class TrainingCompile : public TuningCase {};

TEST_F(TrainingCompile, SaysWhatAStepUpdatesAndTakes) {
  const auto json =
      test::run_json(compile({"--scheme", "last:1", "--batch", "4", "--report", folder_ / "r.html",
                              "--save-scheme", folder_ / "s.json"}));
  test::expect_fields(json, {"parameters", "optimizer", "memory", "flops", "step_ms", "passes"});
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_LT(json["flops"]["backward"], json["flops"]["full"]);
  EXPECT_GE(json["memory"]["arena_bytes"], json["memory"]["lower_bound_bytes"]);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "r.html"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "s.json"));
  const test::Ran text = test::run_verge(compile({"--scheme", folder_ / "s.json"}));
  EXPECT_NE(text.out.find("updates"), std::string::npos) << text.err;
  EXPECT_NE(text.out.find("wrote " + plan_), std::string::npos);
}

TEST_F(TrainingCompile, StaysBelowItsMemoryOrNamesWhatItNeeds) {
  const auto json = test::run_json(compile({"--memory", "512KiB"}));
  EXPECT_LE(json["memory"]["total_bytes"], 512 << 10);
  test::expect_refused(test::run_verge(compile({"--scheme", "full", "--memory", "10KiB"})), 1,
                       "the peak is at");
  test::expect_refused(test::run_verge(compile({"--scheme", "most"})), 2, "no scheme \"most\"");
  folder_.add("other.json", R"({"model": "0123", "layers": {}})");
  test::expect_refused(test::run_verge(compile({"--scheme", folder_ / "other.json"})), 1,
                       "for the model 0123");
}

TEST_F(TrainingCompile, ItsOptionsAndThoseOfInferenceAreApart) {
  test::expect_refused(test::run_verge(compile({"--emit", "c"})), 2, "leave --emit out");
  test::expect_refused(test::run_verge({"compile", model_, "-o", plan_, "--scheme", "full"}), 2,
                       "--scheme is of training; add --train");
}

TEST_F(TrainingCompile, MakesANetworkOfLevelsAndTrainsIt) {
  const auto json = test::run_json(compile({"--int8", "--calibrate", data_, "--scheme", "full"}));
  const std::string levels = json["network"];
  EXPECT_TRUE(std::filesystem::exists(levels));
  EXPECT_EQ(json["reference_nodes"], nlohmann::json::array());
  EXPECT_GT(json["memory"]["peak_types"].size(), 1u);
  EXPECT_GT(json["memory"]["most_f32_bytes"], 0);
  const auto real = test::run_json(compile({"--scheme", "full", "--optimizer", "sgd"}));
  EXPECT_LT(json["memory"]["total_bytes"], real["memory"]["total_bytes"]);
  // The network of levels is a model itself.
  const test::Ran again =
      test::run_verge({"compile", levels, "--train", "-t", "1", "--scheme", "head", "-o", plan_});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("trains " + levels), std::string::npos);
}

TEST_F(TrainingCompile, TrainingIn8BitsSaysWhatItNeeds) {
  test::expect_refused(test::run_verge(compile({"--int8"})), 2, "give --calibrate PICTURES");
  test::expect_refused(test::run_verge(compile({"--calibrate", data_})), 2, "add --int8");
  test::expect_refused(test::run_verge(compile({"--remainders"})), 2, "add --int8");
  test::expect_refused(test::run_verge({"compile", model_, "-o", plan_, "--int8"}), 2,
                       "--int8 is of training; add --train");
}

// From an f32 classifier to one of levels, which learns, is measured and can be compiled again.
TEST_F(TrainingCompile, AClassifierLearnsInEightBits) {
  const std::string levels = folder_ / "levels.safetensors", tuned = folder_ / "mine.safetensors";
  const auto json =
      test::run_json(compile({"--int8", "--calibrate", data_, "--int8-out", levels, "--scheme",
                              "full", "--batch", "4", "--remainders", "--unscaled"}));
  EXPECT_EQ(json["optimizer"], "sgd, weight decay 0.01, unscaled levels, remainders of levels");
  EXPECT_GT(json["memory"]["state_bytes"], 0);
  ASSERT_EQ(
      test::run_verge(compile({"--int8", "--calibrate", data_, "--scheme", "full", "--batch", "4"}))
          .status,
      0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "net.int8.safetensors"));
  const auto run = test::run_json({"fit", "tune", "--plan", plan_, "--data", data_, "-o", tuned,
                                   "--epochs", "6", "--lr", "0.05", "-t", "1", "--quiet"});
  EXPECT_LT(run["last_loss"], run["first_loss"]);
  const auto before = read_whole_file(folder_ / "net.int8.safetensors", 1 << 24),
             after = read_whole_file(tuned, 1 << 24);
  ASSERT_TRUE(before);
  ASSERT_TRUE(after);
  EXPECT_NE(*before, *after);
  EXPECT_EQ(test::run_verge({"compile", tuned, "--train", "--int8", "-t", "1", "-o", plan_}).status,
            0);
  test::expect_refused(
      test::run_verge(compile({"--int8", "--calibrate", data_, "--int8-out", model_})), 2,
      "is read and would be written");
  test::expect_refused(test::run_verge(compile({"--int8"})), 2, "give --calibrate PICTURES");
  test::expect_refused(test::run_verge(compile({"--unscaled"})), 2, "add --int8");
  const auto with_momentum =
      test::run_json(compile({"--int8", "--calibrate", data_, "--optimizer", "sgd", "--momentum",
                              "0.9", "--scheme", "last:1"}));
  EXPECT_EQ(with_momentum["optimizer"], "sgd, momentum 0.9");
  test::expect_refused(test::run_verge(compile({"--int8", "--calibrate", data_, "--optimizer",
                                                "adamw", "--weight-decay", "0.1"})),
                       1, "levels of 8 bits decay under plain sgd alone");
}

TEST_F(TrainingCompile, TheReportIsWellFormed) {
  const std::string report = folder_ / "a&b.html";
  ASSERT_EQ(test::run_verge({"compile", model_, "--train", "-t", "1", "--scheme", "head", "-o",
                             folder_ / "<p>.vplan", "--report", report})
                .status,
            0);
  const auto text = read_whole_file(report, 1 << 24);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("&lt;p&gt;.vplan"), std::string::npos);
  EXPECT_EQ(text->find("<p>"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
