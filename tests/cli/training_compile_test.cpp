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
