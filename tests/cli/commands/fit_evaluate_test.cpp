#include <command_line.hpp>
#include <gtest/gtest.h>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

struct Files {
  test::TemporaryFolder folder;
  std::string model = test::tiny_model(folder);
  std::string small = folder / "small.gguf";
  std::string text;
  std::string pairs =
      folder.add("pairs.jsonl",
                 "{\"sentence_good\": \"the dogs bark\", \"sentence_bad\": \"the dogs barks\"}");
  std::string choices =
      folder.add("choices.jsonl",
                 "{\"query\": \"ice is\", \"choices\": [\" cold\", \" hot\"], \"answer\": 0}");

  Files() {
    std::string words;
    for (int i = 0; i < 200; ++i) words += fmt::format("word {} ", i * 37 % 101);
    text = folder.add("text.txt", words);
    EXPECT_EQ(run_verge({"quantize", model, small, "Q4_0"}).status, 0);
  }
};

TEST(FitEvaluate, MeasuresAndKeepsTheGate) {
  const Files files;
  const auto json =
      test::run_json({"fit", "evaluate", files.small, "--reference", files.model, "--text",
                      files.text, "--chunk", "32", "--chunks", "4", "--pairs", files.pairs,
                      "--choices", files.choices, "--gate", "kld<50,top1>-1"});
  test::expect_fields(json["measures"], {"nll", "ppl", "ppl_base", "kld", "kld_p999", "top1", "acc",
                                         "acc_norm", "pairs"});
  EXPECT_EQ(json["measures"]["nll"]["samples"], 4 * 15);
  EXPECT_GT(json["measures"]["kld"]["value"], 0);
  EXPECT_TRUE(json["gate"]["failures"].empty());
}

TEST(FitEvaluate, FailsWithTheRuleThatDoesNotHold) {
  const Files files;
  const auto ran = run_verge({"fit", "evaluate", files.model, "--text", files.text, "--chunk", "32",
                              "--chunks", "2", "--gate", "ppl<1"});
  expect_refused(ran, 1, "not < 1");
  EXPECT_NE(ran.out.find("ppl"), std::string::npos);  // the table is printed all the same
}

TEST(FitEvaluate, RefusesWrongUseBeforeItLoads) {
  const Files files;
  const auto refused = [&](std::vector<std::string> arguments, int status, const char* part) {
    arguments.insert(arguments.begin(), {"fit", "evaluate", files.model});
    expect_refused(run_verge(arguments), status, part);
  };
  refused({}, 2, "--text");
  refused({"--text", files.text, "--gate", "kld<0.1"}, 2, "\"kld\"");
  refused({"--text", files.text, "--gate", "ppl"}, 2, "no rule");
  refused({"--text", files.text, "--chunk", "100000"}, 2, "100000");
  refused({"--pairs", files.text}, 1, "line 1");
  refused({"--text", files.folder / "none.txt"}, 1, "none.txt");
}

}  // namespace
}  // namespace verge::cli
