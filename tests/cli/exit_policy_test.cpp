#include <fstream>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <paths.hpp>
#include <temporary_folder.hpp>

#include <verge/cli/exit_policy.hpp>

namespace verge::cli {
namespace {

ExitPolicy some_policy() {
  return {.model_hash = "abc",
          .exits = {2, 4},
          .thetas = {0.75, 0.5},
          .temperatures = {1.25, 0.9},
          .measure = serve::ConfidenceMeasure::Margin,
          .codec = "int8",
          .text_sha256 = "def"};
}

TEST(ExitPolicy, IsReadAsItWasWritten) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "policy.json";
  ASSERT_TRUE(write_policy(some_policy(), path));
  const auto read = read_policy(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->thetas, some_policy().thetas);
  EXPECT_EQ(read->temperatures, some_policy().temperatures);
  EXPECT_EQ(read->exits, some_policy().exits);
  EXPECT_EQ(read->measure, serve::ConfidenceMeasure::Margin);
  EXPECT_EQ(read->codec, "int8");
  EXPECT_EQ(read->text_sha256, "def");
}

TEST(ExitPolicy, KnowsTheMachineItWasFittedOn) {
  const test::TemporaryFolder folder;
  ExitPolicy policy = some_policy();
  policy.machine = {.layer = {.base_s = 0.25, .row_s = 0.5}, .head_s = 1};
  const std::string path = folder / "policy.json";
  ASSERT_TRUE(write_policy(policy, path));
  const auto read = read_policy(path);
  ASSERT_TRUE(read && read->machine);
  EXPECT_EQ(read->machine->layer.row_s, 0.5);
  policy.machine->head_s = -1;
  ASSERT_TRUE(write_policy(policy, path));
  EXPECT_EQ(read_policy(path).error().code, Code::Malformed);
}

TEST(ExitPolicy, ABadFileIsRefusedByItsField) {
  const test::TemporaryFolder folder;
  const std::string good =
      R"("exits":[2,4],"thetas":[0.7,0.5],"temperatures":[1,1],"measure":"max"})";
  struct Case {
    std::string text;
    const char* part;
  };
  for (const Case& c :
       {Case{"[]", "no policy"}, Case{"{" + good.substr(14), "exits"},
        Case{R"({"thetas":[2,0],"exits":[2,4]})", "thetas"},
        Case{R"({"exits":[2,4],"thetas":[0,0],"temperatures":[0,1]})", "temperatures"},
        Case{R"({"exits":[2,4],"thetas":[0,0],"temperatures":[1,1]})", "measure"}}) {
    const auto read = read_policy(folder.add("policy.json", c.text));
    ASSERT_FALSE(read) << c.text;
    EXPECT_EQ(read.error().code, Code::Malformed);
    EXPECT_NE(read.error().message.find(c.part), std::string::npos) << read.error().message;
  }
  const auto read = read_policy(folder.add("policy.json", "{" + good));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->codec, "f16");  // of files that say nothing of it
  EXPECT_FALSE(read_policy(folder.add("policy.json", R"({"codec":"f17",)" + good)));
  EXPECT_EQ(read_policy(folder / "nothing").error().code, Code::NotFound);
}

TEST(ExitPolicy, BelongsToOneModelAndItsExits) {
  EXPECT_TRUE(check_policy(some_policy(), "p", "abc", {2, 4}));
  EXPECT_EQ(check_policy(some_policy(), "p", "abd", {2, 4}).error().code, Code::Conflict);
  EXPECT_EQ(check_policy(some_policy(), "p", "abc", {2, 5}).error().code, Code::Conflict);
}

// The licence, which the shipped model did not learn.
TEST(FitExits, WhatItFindsIsUsed) {
  const test::TemporaryFolder folder;
  const std::string model = test::source_file("models/verge-lm.gguf"),
                    policy = folder / "policy.json";
  const auto fitted =
      test::run_json({"fit", "exits", model, "--calib", test::source_file("LICENSE"), "--agree",
                      "0.6", "--records", "300", "-o", policy});
  EXPECT_LE(fitted["disagreement_bound"], 0.4);
  EXPECT_LT(fitted["predicted"]["cloud"], 1);
  EXPECT_LE(fitted["exit1"]["nll_after"], fitted["exit1"]["nll_before"]);
  EXPECT_EQ(fitted["codecs"].size(), 4u);
  const auto written = read_policy(policy);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->codec, fitted["codec"]);
  const auto answer = test::run_json({"run", model, "-p", "In the beginning", "-n", "8", "--mode",
                                      "standalone", "--policy", policy});
  const double theta1 = fitted["exit1"]["theta"];
  for (const auto& token : answer["tokens"]) {
    if (token["place"] != "exit1") continue;
    EXPECT_GE(token["confidence1"], theta1);
  }
  const std::string other = folder.add("other.json", [&] {
    std::ifstream file(policy);
    auto json = nlohmann::json::parse(file);
    json["model_hash"] = "0000";
    return json.dump();
  }());
  test::expect_refused(
      test::run_verge({"run", model, "-p", "a", "--mode", "standalone", "--policy", other}), 1,
      "another model");
  test::expect_refused(test::run_verge({"fit", "exits", model, "--calib", folder / "nothing"}), 1,
                       "nothing");
  test::expect_refused(test::run_verge({"fit", "exits", model, "--calib",
                                        test::source_file("LICENSE"), "--measure", "luck"}),
                       2, "luck");
}

}  // namespace
}  // namespace verge::cli
