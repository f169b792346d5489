#include <filesystem>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <paths.hpp>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

struct SplitFiles {
  test::TemporaryFolder folder;
  std::string model = test::source_file("models/verge-lm.gguf");
  std::string edge = folder / "edge.gguf";
  std::string cloud = folder / "cloud.gguf";
};

TEST(FitSplit, WritesBothPartsAndSaysWhatTheyHold) {
  const SplitFiles files;
  const auto json = test::run_json({"fit", "split", files.model, "-o", files.edge, files.cloud});
  test::expect_fields(json, {"model", "model_hash", "tokenizer_hash", "layers", "exits",
                             "source_bytes", "edge", "cloud"});
  EXPECT_EQ(json["exits"], (std::vector<int>{2, 4}));
  EXPECT_EQ(json["edge"]["layers"], (std::vector<int>{0, 4}));
  EXPECT_EQ(json["cloud"]["layers"], (std::vector<int>{2, 6}));
  for (const char* part : {"edge", "cloud"}) {
    const std::string path = json[part]["file"];
    EXPECT_EQ(json[part]["bytes"], std::filesystem::file_size(path)) << path;
  }
}

TEST(FitSplit, PrintsALineForEachPart) {
  const SplitFiles files;
  const auto ran =
      run_verge({"fit", "split", files.model, "--exits", "2,4", "--out", files.edge, files.cloud});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("layers 0 to 4 of 6"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("layers 2 to 6 of 6"), std::string::npos) << ran.out;
}

TEST(FitSplit, HelpHasAnExample) {
  const auto ran = run_verge({"fit", "split", "--help"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("verge fit split models/verge-lm.gguf -o edge.gguf"), std::string::npos);
}

TEST(FitSplit, RefusesWrongUseAndOtherModels) {
  const SplitFiles files;
  const auto refused = [&](std::vector<std::string> arguments, int status, const char* part) {
    arguments.insert(arguments.begin(), {"fit", "split"});
    expect_refused(run_verge(arguments), status, part);
  };
  refused({files.model}, 2, "--out");
  refused({files.model, "-o", files.edge}, 2, "--out");
  refused({files.model, "-o", files.edge, files.cloud, "--exits", "2"}, 2, "--exits 2,4");
  refused({files.model, "-o", files.edge, files.cloud, "--exits", "4,2"}, 2, "before the second");
  refused({files.model, "-o", files.edge, files.cloud, "--exits", "2,5"}, 1, "after 2, 4");
  refused({files.folder / "none.gguf", "-o", files.edge, files.cloud}, 1, "none.gguf");
  refused({test::tiny_model(files.folder), "-o", files.edge, files.cloud}, 1, "--exits");
  EXPECT_FALSE(std::filesystem::exists(files.edge));
}

// What whole models are for has no use for a part, and says so.
TEST(FitSplit, APartIsNoWholeModel) {
  const SplitFiles files;
  ASSERT_EQ(run_verge({"fit", "split", files.model, "-o", files.edge, files.cloud}).status, 0);
  expect_refused(run_verge({"run", files.edge, "-p", "a"}), 1, "layers 0 to 4 of 6");
  expect_refused(run_verge({"fit", "split", files.edge, "-o", files.edge, files.cloud}), 1,
                 "split already");
  const auto json = test::run_json({"inspect", files.cloud});
  EXPECT_EQ(json["split"]["layers"], (std::vector<int>{2, 6}));
  EXPECT_GT(json["memory"]["kv_bytes"], 0);
  const auto ran = run_verge({"inspect", files.edge});
  EXPECT_NE(ran.out.find("layers 0 to 4 of 6"), std::string::npos) << ran.out << ran.err;
}

}  // namespace
}  // namespace verge::cli
