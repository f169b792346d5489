#include <filesystem>

#include <array_files.hpp>

#include "../tuning_case.hpp"

namespace verge::cli {
namespace {

class FitSchemeCommand : public TuningCase {};

TEST_F(FitSchemeCommand, WritesASchemeThatCompilesBelowTheBudget) {
  const std::string out = folder_ / "s.json";
  const auto json =
      test::run_json({"fit",  "scheme",        model_, "--task",      data_, "--memory",
                      "2MiB", "--batch",       "8",    "--steps",     "1",   "--population",
                      "6",    "--generations", "2",    "--finalists", "1",   "--final-steps",
                      "2",    "--final-seeds", "1",    "-o",          out,   "-t",
                      "1"});
  EXPECT_EQ(json["finished"], true);
  EXPECT_EQ(json["final_steps"], 2);
  EXPECT_EQ(json["final_seeds"], 1);
  ASSERT_GE(json["finalists"].size(), 2u);  // the head, and at least one more
  const auto& best = json["finalists"][0];
  test::expect_fields(best, {"name", "predicted", "score", "learning_rate", "parameters",
                             "total_bytes", "flops", "step_ms", "in_time"});
  EXPECT_EQ(best["total_bytes"], json["total_bytes"]);
  EXPECT_EQ(best["predicted"], json["predicted"]);  // null where a plain scheme won
  for (const auto& finalist : json["finalists"]) EXPECT_LE(finalist["score"], best["score"]);
  EXPECT_TRUE(std::filesystem::exists(out + ".contributions.json"));
  const int64_t total = json["total_bytes"];
  const auto bytes_below = [&](std::vector<std::string> more) -> int64_t {
    std::vector<std::string> all = {"--scheme", out, "--batch", "8", "--memory"};
    all.insert(all.end(), more.begin(), more.end());
    return test::run_json(compile(all))["memory"]["total_bytes"];
  };
  EXPECT_EQ(bytes_below({"2MiB", "--without", "time_kernels"}), total);
  EXPECT_LE(bytes_below({"2MiB"}), 2 << 20);  // faster kernels may take more, up to the budget
  EXPECT_LE(bytes_below({std::to_string(total)}), total);
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
                                         "--final-steps",
                                         "2",
                                         "--family",
                                         "digits",
                                         "-o",
                                         folder_ / "s.json",
                                         "-t",
                                         "1",
                                         "--quiet"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  for (const char* part :
       {"--scheme auto --family digits", "searched 1", "head", "ms a step",
        "accuracy after 2 steps, means of 2 seeds", "the one that updates most"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << " in " << ran.out;
  }
  const std::string after = test::run_json(compile(automatic))["scheme_by"];
  EXPECT_NE(after.find("contributions measured"), std::string::npos) << after;
  const auto other = test::run_json(compile({"--memory", "2MiB", "--batch", "8"}));
  EXPECT_EQ(std::string(other["scheme_by"]).find("contributions"), std::string::npos);
  test::expect_refused(test::run_verge(compile({"--family", "a/b"})), 2, "--family \"a/b\"");
}

TEST_F(FitSchemeCommand, WhatIsMeasuredBySquaredErrorIsNotKept) {
  const test::TemporaryFolder folder;
  std::vector<double> a, c, targets;
  for (int i = 0; i < 40; ++i) {
    a.insert(a.end(), {i % 7 - 3.0, i % 5 - 2.0});
    c.push_back(i % 3 - 1.0);
    targets.push_back(a.back() - c.back());
  }
  test::write_array(folder / "a.npy", {40, 2}, a);
  test::write_array(folder / "c.npy", {40, 1}, c);
  test::write_array(folder / "target.npy", {40, 1}, targets);
  const std::string net = folder_.add("net.onnx", test::onnx_file(test::regressor()));
  const auto json = test::run_json({"fit",
                                    "scheme",
                                    net,
                                    "--task",
                                    folder.path(),
                                    "--loss",
                                    "mse",
                                    "-t",
                                    "1",
                                    "--memory",
                                    "1MiB",
                                    "--batch",
                                    "8",
                                    "--steps",
                                    "2",
                                    "--population",
                                    "4",
                                    "--generations",
                                    "1",
                                    "--final-steps",
                                    "2",
                                    "-o",
                                    folder_ / "mse.json"});
  EXPECT_EQ(json["finished"], true);
  EXPECT_EQ(json["contributions"], "");
  EXPECT_LT(json["finalists"][0]["score"], 0);
  EXPECT_EQ(json["finalists"][0]["predicted"], json["predicted"]);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "mse.json.contributions.json"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cache/verge/contributions"));
}

TEST_F(FitSchemeCommand, WantsABudget) {
  EXPECT_EQ(test::run_verge({"fit", "scheme", model_, "--task", data_, "-o", "x"}).status, 2);
  test::expect_refused(test::run_verge({"fit", "scheme", model_, "--task", data_, "--memory",
                                        "2MiB", "--accumulate", "2", "-o", "x"}),
                       2, "a search takes steps of one pass");
}

}  // namespace
}  // namespace verge::cli
