#include <filesystem>

#include "../tuning_case.hpp"

namespace verge::cli {
namespace {

class FitSchemeCommand : public TuningCase {};

TEST_F(FitSchemeCommand, WritesASchemeThatCompilesBelowTheBudget) {
  const std::string out = folder_ / "s.json";
  const auto json = test::run_json({"fit", "scheme", model_, "--task", data_, "--memory", "2MiB",
                                    "--batch", "8", "--steps", "1", "--population", "6",
                                    "--generations", "2", "-o", out, "-t", "1"});
  EXPECT_EQ(json["finished"], true);
  EXPECT_GE(json["predicted"], json["head_score"]);
  EXPECT_TRUE(std::filesystem::exists(out + ".contributions.json"));
  const auto plan = test::run_json(compile({"--scheme", out, "--batch", "8", "--memory", "2MiB"}));
  EXPECT_EQ(plan["memory"]["total_bytes"], json["total_bytes"]);
  EXPECT_TRUE(std::filesystem::exists(std::string(json["contributions"])));
}

TEST_F(FitSchemeCommand, AutoGoesByWhatItMeasured) {
  const std::vector<std::string> automatic = {"--memory", "2MiB",     "--batch",
                                              "8",        "--family", "digits"};
  const std::string before = test::run_json(compile(automatic))["scheme_by"];
  EXPECT_NE(before.find("nothing is measured"), std::string::npos) << before;
  const test::Ran ran = test::run_verge({"fit",
                                         "scheme",
                                         model_,
                                         "--task",
                                         data_,
                                         "--memory",
                                         "2MiB",
                                         "--batch",
                                         "8",
                                         "--steps",
                                         "1",
                                         "--population",
                                         "6",
                                         "--generations",
                                         "2",
                                         "--family",
                                         "digits",
                                         "-o",
                                         folder_ / "s.json",
                                         "-t",
                                         "1",
                                         "--quiet"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("--scheme auto --family digits"), std::string::npos) << ran.out;
  const std::string after = test::run_json(compile(automatic))["scheme_by"];
  EXPECT_NE(after.find("contributions measured"), std::string::npos) << after;
  const auto other = test::run_json(compile({"--memory", "2MiB", "--batch", "8"}));
  EXPECT_EQ(std::string(other["scheme_by"]).find("contributions"), std::string::npos);
  test::expect_refused(test::run_verge(compile({"--family", "a/b"})), 2, "--family \"a/b\"");
}

TEST_F(FitSchemeCommand, WantsABudget) {
  EXPECT_EQ(test::run_verge({"fit", "scheme", model_, "--task", data_, "-o", "x"}).status, 2);
  test::expect_refused(test::run_verge({"fit", "scheme", model_, "--task", data_, "--memory",
                                        "2MiB", "--accumulate", "2", "-o", "x"}),
                       2, "--accumulate is of");
}

}  // namespace
}  // namespace verge::cli
