#include <command_line.hpp>
#include <gtest/gtest.h>

#include "temporary_folder.hpp"

namespace verge::cli {
namespace {

class TrainLmCommand : public testing::Test {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more) {
    std::vector<std::string> all = {"train", "lm",       text_, "-t",           "1",  "--d-model",
                                    "16",    "--layers", "1",   "--heads",      "2",  "--kv-heads",
                                    "1",     "--ffn",    "32",  "--context",    "16", "--batch",
                                    "2",     "--steps",  "4",   "--vocabulary", "280"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  static std::string some_text() {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "The quick brown fox number " + std::to_string(i) + ".\n";
    return text;
  }

  test::TemporaryFolder folder_;
  std::string text_ = folder_.add("book.txt", some_text());
};

TEST_F(TrainLmCommand, EachExitHasItsWeight) {
  std::vector<std::string> two = arguments({"--exits", "1,2"});
  two[8] = "3";  // layers
  const auto with = [&](const std::string& weights) {
    std::vector<std::string> all = two;
    all.insert(all.end(), {"--exit-weights", weights, "--json", "--quiet"});
    return test::run_verge(all);
  };
  EXPECT_EQ(with("0.1,0.2").status, 0);
  test::expect_refused(with("0.1"), 2, "1 weights for 2 exits");
}

TEST_F(TrainLmCommand, WritesAModelThatRunsAndAPicture) {
  const std::string model = folder_ / "book.gguf", plot = folder_ / "loss.svg";
  const test::Ran ran =
      test::run_verge(arguments({"-o", model, "--type", "f16", "--plot", plot, "--quiet"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("wrote " + model), std::string::npos) << ran.out;
  EXPECT_EQ(ran.err, "");
  const auto answer = test::run_json({"run", model, "-p", "The", "-n", "3", "-t", "1"});
  EXPECT_LE(answer["tokens"].size(), 3u);
  std::ifstream picture(plot);
  EXPECT_NE(std::string(std::istreambuf_iterator<char>(picture), {}).find("<svg"),
            std::string::npos);
}

TEST_F(TrainLmCommand, JsonIsALineForEachReportAndTheResult) {
  const test::Ran ran = test::run_verge(arguments({"--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  std::istringstream lines(ran.out);
  nlohmann::json last;
  for (std::string line; std::getline(lines, line);) {
    last = nlohmann::json::parse(line);
    if (last.contains("step")) {
      test::expect_fields(last, {"loss", "learning_rate", "tokens_per_s", "remaining_s"});
    }
  }
  test::expect_fields(last, {"parameters", "steps", "finished", "held_out_loss", "bits_per_byte",
                             "seconds", "arena_bytes", "peak_rss_bytes", "output", "optimizer",
                             "clip_price_bytes", "reference_nodes"});
  EXPECT_EQ(last["steps"], 4);
  EXPECT_EQ(last["finished"], true);
}

TEST_F(TrainLmCommand, EveryOptimizerTrainsAndItsCheckpointIsItsOwn) {
  const std::string checkpoint = folder_ / "c";
  for (const char* name : {"adamw", "adamw8bit", "sgd", "lion"}) {
    const auto run = arguments({"--optimizer", name, "--accumulate", "2", "--clip-grad", "0.5",
                                "--checkpoint", checkpoint + name});
    const test::Ran ran = test::run_verge(run);
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.err.find("more memory; --clip-each needs none"), std::string::npos) << ran.err;
  }
  const auto other = arguments({"--optimizer", "lion", "--checkpoint", checkpoint + "sgd"});
  test::expect_refused(test::run_verge(other), 1, "of the optimizer \"sgd");
}

TEST_F(TrainLmCommand, RefusesBadInput) {
  test::expect_refused(test::run_verge(arguments({"--type", "q99"})), 2, "--type q99");
  test::expect_refused(test::run_verge(arguments({"--precision", "f8"})), 2, "--precision f8");
  test::expect_refused(test::run_verge(arguments({"--optimizer", "adam"})), 2, "--optimizer adam");
  test::expect_refused(test::run_verge(arguments({"--momentum", "0.9"})), 2, "--optimizer sgd");
  test::expect_refused(test::run_verge({"train", "lm", folder_ / "no.txt"}), 1, "no.txt");
}

}  // namespace
}  // namespace verge::cli
