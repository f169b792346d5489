#include <command_line.hpp>
#include <gtest/gtest.h>
#include <shared_data.hpp>
#include <standard_input.hpp>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

const std::string kModel = test::repository_model();

std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> all = {
      "run", kModel,   "-t", "1",  "-n",
      "40",  "--temp", "0",  "-p", "In the beginning God created the heaven"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(SpeculationOptions, ChangeTheSpeedAlone) {
  const auto plain = test::run_json(with({}));
  EXPECT_FALSE(plain.contains("draft_tokens"));
  for (const std::vector<std::string>& by :
       {std::vector<std::string>{"--speculate", "ngram"},
        {"--speculate", "exits"},
        {"--speculate", "exits", "--exit-layers", "4", "--draft-tokens", "3"},
        {"--speculate", "ngram", "--draft-tree", "12"},
        {"--speculate", "exits", "--draft-tree", "8"},
        {"--draft", kModel}}) {
    std::vector<std::string> arguments = by;
    arguments.push_back("--draft-always");
    const auto found = test::run_json(with(arguments));
    EXPECT_EQ(found["tokens"], plain["tokens"]);
    test::expect_fields(
        found, {"draft_tokens", "accepted_tokens", "acceptance_rate", "speculation_speedup"});
    EXPECT_LE(found["accepted_tokens"], found["draft_tokens"]);
    if (by[0] == "--draft") {
      EXPECT_EQ(found["acceptance_rate"], 1);
    }
  }
}

TEST(SpeculationOptions, AreReportedBesideTheSpeed) {
  const test::Ran ran = test::run_verge(with({"--speculate", "exits"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find("drafts by exits: "), std::string::npos) << ran.err;
}

TEST(SpeculationOptions, ServeAConversation) {
  const test::StandardInput input("Who is he?\nAnd then?\n/stats\n");
  const test::Ran ran = test::run_verge(
      {"chat", kModel, "--plain", "-t", "1", "-n", "10", "--speculate", "ngram", "--quiet"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("drafts by ngram: "), std::string::npos) << ran.out;
}

TEST(SpeculationOptions, ThatMakeNoSenseAreRefused) {
  const test::TemporaryFolder folder;
  const std::string other = test::tiny_model(folder);
  test::expect_refused(test::run_verge(with({"--speculate", "ngram", "--draft", kModel})), 2,
                       "give one of them");
  test::expect_refused(test::run_verge(with({"--speculate", "ngram", "--draft-tokens", "0"})), 2,
                       "1 to 64");
  test::expect_refused(test::run_verge(with({"--speculate", "exits", "--exit-layers", "3"})), 1,
                       "some after 2, 4");
  test::expect_refused(test::run_verge(with({"--speculate", "ngram", "--draft-tree", "1"})), 2,
                       "2 to 64");
  test::expect_refused(test::run_verge(with({"--draft-tree", "8"})), 2, "say what guesses");
  test::expect_refused(
      test::run_verge(with({"--speculate", "exits", "--draft-tree", "8", "--draft-own-draws"})), 2,
      "leave out one of them");
  test::expect_refused(test::run_verge(with({"--draft", other})), 1, "same vocabulary");
}

}  // namespace
}  // namespace verge::cli
