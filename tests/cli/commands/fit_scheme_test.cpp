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
}

TEST_F(FitSchemeCommand, WantsABudget) {
  EXPECT_EQ(test::run_verge({"fit", "scheme", model_, "--task", data_, "-o", "x"}).status, 2);
  test::expect_refused(test::run_verge({"fit", "scheme", model_, "--task", data_, "--memory",
                                        "2MiB", "--accumulate", "2", "-o", "x"}),
                       2, "--accumulate is of");
}

}  // namespace
}  // namespace verge::cli
