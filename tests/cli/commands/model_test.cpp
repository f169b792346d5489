#include <command_line.hpp>
#include <gtest/gtest.h>
#include <model_home.hpp>
#include <small_disk.hpp>
#include <tiny_model.hpp>

#include <verge/platform/store/database.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_json;
using test::run_verge;

class ModelCommands : public testing::Test {
 protected:
  test::Ran import(const std::string& name) {
    return run_verge({"model", "import", file_, "--name", name});
  }

  test::ModelHome home_;
  test::TemporaryFolder folder_;
  std::string file_ = test::tiny_model(folder_);
};

TEST_F(ModelCommands, ImportListInspectRunAndRemove) {
  EXPECT_NE(run_verge({"model", "list"}).out.find("no models"), std::string::npos);
  const auto imported = run_json({"model", "import", file_, "--name", "tiny"});
  EXPECT_EQ(imported["name"], "tiny");
  EXPECT_TRUE(imported["runs"]);
  const auto entry = run_json({"model", "list"})["models"][0];
  test::expect_fields(entry, {"name", "architecture", "parameters", "type", "context", "bytes",
                              "sha256", "created_s"});
  EXPECT_EQ(entry["architecture"], "llama");
  EXPECT_EQ(entry["bytes"], std::filesystem::file_size(file_));
  EXPECT_EQ(run_verge({"model", "list", "--names"}).out, "tiny\n");
  const std::string list = run_verge({"model", "list"}).out;
  EXPECT_NE(list.find("tiny  llama"), std::string::npos) << list;
  const auto facts = run_json({"model", "inspect", "tiny"});
  EXPECT_EQ(facts["origins"][0]["source"], file_);
  EXPECT_NE(run_verge({"model", "inspect", "tiny"}).out.find("sha256"), std::string::npos);
  const auto removed = run_json({"model", "rm", "tiny", "--yes"});
  EXPECT_EQ(removed["freed_bytes"], entry["bytes"]);
  EXPECT_TRUE(run_json({"model", "list"})["models"].empty());
}

TEST_F(ModelCommands, EveryCommandTakesAStoredName) {
  ASSERT_EQ(import("tiny").status, 0);
  const std::string out = folder_ / "out.gguf";
  const std::vector<std::string> commands[] = {
      {"run", "tiny", "-p", "x", "-n", "2", "-t", "1"},
      {"inspect", "tiny"},
      {"quantize", "tiny", out, "Q8_0", "-t", "1"},
      {"bench", "tiny", "--prompt-tokens", "4", "--gen-tokens", "2", "--repeat", "1", "-t", "1"}};
  for (const auto& command : commands) {
    const test::Ran ran = run_verge(command);
    EXPECT_EQ(ran.status, 0) << command.front() << ": " << ran.err;
  }
  EXPECT_NE(run_verge({"inspect", "tiny"}).out.find("tiny: GGUF"), std::string::npos);
  expect_refused(run_verge({"run", "tny", "-p", "x"}), 1,
                 "tny: no such file or folder, and no stored model; near it: tiny");
}

TEST_F(ModelCommands, ExportsAFolderThatAnswersTheSame) {
  ASSERT_EQ(import("tiny").status, 0);
  const std::string out = folder_ / "tiny-folder";
  const auto exported = run_json({"model", "export", "tiny", out, "--safetensors", "-t", "1"});
  EXPECT_EQ(exported["folder"], out);
  const auto answer = [&](const std::string& model) {
    return run_json({"run", model, "-p", "x", "-n", "8", "--temp", "0", "-t", "1"})["tokens"];
  };
  EXPECT_EQ(answer(out), answer("tiny"));
  expect_refused(run_verge({"model", "export", "tiny", out, "--safetensors"}), 1, "exists");
  expect_refused(run_verge({"model", "export", "tiny", out, "--safetensors", "--dtype", "q4_0"}), 2,
                 "q4_0");
}

TEST_F(ModelCommands, VerifyAndExportFindAnAlteredFile) {
  ASSERT_EQ(import("tiny").status, 0);
  EXPECT_EQ(run_verge({"model", "verify"}).out, "tiny: sound\n");
  EXPECT_EQ(run_verge({"model", "export", "tiny", folder_ / "out.gguf"}).status, 0);
  EXPECT_EQ(std::filesystem::file_size(folder_ / "out.gguf"), std::filesystem::file_size(file_));
  const std::string path = run_json({"model", "inspect", "tiny"})["path"];
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  std::fstream(path, std::ios::in | std::ios::out) << "X";
  expect_refused(run_verge({"model", "verify", "tiny"}), 1, "1 of 1 models are damaged");
  expect_refused(run_verge({"model", "export", "tiny", folder_ / "b.gguf"}), 1, "altered");
  expect_refused(run_verge({"run", "tiny", "-p", "x"}), 1, "not a GGUF file");
  EXPECT_EQ(import("tiny").status, 0);  // mends it
  EXPECT_EQ(run_verge({"model", "verify"}).status, 0);
}

TEST_F(ModelCommands, ADamagedEntryHidesNoOther) {
  ASSERT_EQ(import("tiny").status, 0);
  ASSERT_EQ(import("other").status, 0);
  {
    using store::Database;
    auto database = Database::open(home_.path() + "/store.sqlite", Database::Mode::Existing);
    ASSERT_TRUE(database->prepare("UPDATE artifact SET digest = 'x' WHERE name = 'other'")->run());
  }
  EXPECT_EQ(run_verge({"run", "tiny", "-p", "x", "-n", "1", "-t", "1"}).status, 0);
  const test::Ran list = run_verge({"model", "list"});
  EXPECT_EQ(list.status, 0);
  EXPECT_NE(list.out.find("tiny  llama"), std::string::npos) << list.out;
  EXPECT_EQ(list.out.find("other"), std::string::npos) << list.out;
  EXPECT_NE(list.err.find("other is damaged; remove it (verge model rm 'other')"),
            std::string::npos)
      << list.err;
  EXPECT_EQ(run_json({"model", "list"})["damaged"].size(), 1u);
  expect_refused(run_verge({"run", "other", "-p", "x"}), 1, "the entry of other is damaged");
  expect_refused(run_verge({"model", "verify"}), 1, "1 of 2 models are damaged");
  EXPECT_EQ(run_json({"model", "rm", "other", "--yes"})["removed"][0], "other");
  EXPECT_EQ(run_verge({"model", "verify"}).status, 0);
}

TEST_F(ModelCommands, RefuseBadInput) {
  expect_refused(run_verge({"model", "import", folder_ / "no.gguf"}), 1, "no.gguf");
  expect_refused(run_verge({"model", "import", folder_.add("a.txt", "text")}), 1, "a.txt");
  expect_refused(run_verge({"model", "import", file_, "--name", "a/b"}), 2, "is no name");
  expect_refused(run_verge({"model", "rm", "none"}), 1, "the store is empty");
  ASSERT_EQ(import("tiny").status, 0);
  expect_refused(run_verge({"model", "rm", "tiny", "none"}), 1, "there are tiny");
  EXPECT_EQ(run_verge({"model", "list", "--names"}).out, "tiny\n");  // all or none
  std::ofstream(file_, std::ios::app) << "more";
  expect_refused(import("tiny"), 1, "another model has this name");
  expect_refused(run_verge({"model", "inspect", "none"}), 1, "there are tiny");
  expect_refused(run_verge({"model", "export", "none", "x"}), 1, "there are tiny");
}

TEST_F(ModelCommands, AFullDiskLeavesTheStoreAsItWas) {
  ASSERT_EQ(import("tiny").status, 0);
  std::ofstream(file_, std::ios::app) << "more";
  {
    const test::SmallDisk disk(65536);
    expect_refused(import("other"), 1, "disk full");
    expect_refused(run_verge({"model", "export", "tiny", folder_ / "out.gguf"}), 1, "disk full");
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.gguf"));
  EXPECT_EQ(run_verge({"model", "list", "--names"}).out, "tiny\n");
}

}  // namespace
}  // namespace verge::cli
