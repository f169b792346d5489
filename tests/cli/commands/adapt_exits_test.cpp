#include <command_line.hpp>
#include <gtest/gtest.h>
#include <paths.hpp>
#include <temporary_folder.hpp>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

struct TinyBase {
  test::TemporaryFolder folder;
  std::string model = test::tiny_model(folder);
  std::string text = test::source_file("LICENSE");
  std::string out = folder / "exits.gguf";

  std::vector<std::string> command(std::vector<std::string> more) const {
    std::vector<std::string> all = {"adapt",   "exits", model,     "--data", text,        "-o", out,
                                    "--steps", "3",     "--batch", "2",      "--context", "16"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST(AdaptExitsCommand, WritesAModelThatCanBeSplit) {
  const TinyBase base;
  for (const char* mode : {"tune", "joint"}) {
    const auto json = test::run_json(base.command({"--layers", "1", "--mode", mode, "--untied"}));
    test::expect_fields(json, {"mode", "parameters", "steps", "seconds", "positions", "before",
                               "after", "loss_before", "loss_after", "output"});
    EXPECT_EQ(json["finished"], true);
    EXPECT_EQ(json["steps"], 3);
    ASSERT_EQ(json["after"].size(), 1u);
    EXPECT_EQ(json["after"][0]["after"], 1);
    const auto inspected = run_verge({"inspect", base.out});
    EXPECT_EQ(inspected.status, 0) << inspected.err;
    EXPECT_NE(inspected.out.find("exit.1.output.weight"), std::string::npos);
  }
}

TEST(AdaptExitsCommand, PrintsALineForEachHead) {
  const TinyBase base;
  const auto ran = run_verge(base.command({"--layers", "1", "--quiet"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("agrees with last"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("1 layers"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("wrote " + base.out), std::string::npos) << ran.out;
}

TEST(AdaptExitsCommand, RefusesWrongUse) {
  const TinyBase base;
  expect_refused(run_verge(base.command({"--layers", "99"})), 2, "exits after 99 layers");
  expect_refused(run_verge(base.command({"--layers", "1", "--type", "q99"})), 2, "q99");
  expect_refused(run_verge(base.command({"--layers", "1", "--mode", "both"})), 2, "both");
  expect_refused(run_verge({"adapt", "exits", base.model}), 2, "--");
  const auto help = run_verge({"adapt", "exits", "--help"});
  EXPECT_NE(help.out.find("verge adapt exits base.gguf --layers 8,16"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
