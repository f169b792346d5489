#include <vector>

#include <child_process.hpp>
#include <command_line.hpp>
#include <temporary_folder.hpp>

#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::cli {
namespace {

TEST(KeyCommands, MakeListAndRevoke) {
  const test::TemporaryFolder folder;
  const std::string file = folder / "keys.json";
  const auto made = test::run_json({"key", "add", file, "--tenant", "mail", "--model", "qwen",
                                    "--tokens-per-minute", "500", "--priority", "-2"});
  test::run_json({"key", "add", file});
  const std::string secret = made["key"], id = made["id"];
  const auto loaded = serve::api::KeyFile::load(file);
  ASSERT_TRUE(loaded);
  ASSERT_NE(loaded->find(secret), nullptr);
  EXPECT_EQ(loaded->find(secret)->tenant, "mail");
  EXPECT_EQ(loaded->find(secret)->models, std::vector<std::string>{"qwen"});

  const test::Ran list = test::run_verge({"key", "list", file});
  EXPECT_EQ(list.out.find(secret), std::string::npos);
  for (const char* part : {id.c_str(), "mail", "500", "qwen", "-2", "*"}) {
    EXPECT_NE(list.out.find(part), std::string::npos) << part << " in " << list.out;
  }
  EXPECT_EQ(test::run_json({"key", "list", file})["keys"].size(), 2u);

  EXPECT_EQ(test::run_verge({"key", "revoke", file, id}).status, 0);
  EXPECT_EQ(serve::api::KeyFile::load(file)->find(secret), nullptr);
  test::expect_refused(test::run_verge({"key", "revoke", file, id}), 1, "verge key list");
}

// Shared pipelines make keys at once: none may be lost, and none revoked may come back.
TEST(KeyCommands, ManyProcessesAtOnceLoseNoKey) {
  const test::TemporaryFolder folder;
  const std::string file = folder / "keys.json";
  const std::string first = test::run_json({"key", "add", file})["id"];
  constexpr int kProcesses = 24;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(test::start_child([&] {
      return test::run_verge({"key", "add", file, "--tenant", "many"}).status;
    }));
  }
  children.push_back(test::start_child([&] {
    return test::run_verge({"key", "revoke", file, first}).status;
  }));
  for (const pid_t child : children) EXPECT_EQ(test::wait_child(child), 0);
  const auto loaded = serve::api::KeyFile::load(file);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->keys().size(), static_cast<size_t>(kProcesses));
  for (const serve::api::AccessKey& key : loaded->keys()) EXPECT_EQ(key.tenant, "many");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(KeyCommands, TheKeyIsAllThatStandardOutputHas) {
  const test::TemporaryFolder folder;
  const test::Ran ran = test::run_verge({"key", "add", folder / "keys.json"});
  EXPECT_TRUE(ran.out.starts_with("vk_"));
  EXPECT_EQ(ran.out.size(), 56u);
  EXPECT_NE(ran.err.find("shown this once"), std::string::npos);
}

TEST(KeyCommands, BadUseIsOneTrueLine) {
  const test::TemporaryFolder folder;
  const std::string file = folder / "keys.json";
  test::expect_refused(test::run_verge({"key", "add", file, "--priority", "9"}), 2, "-8 to 8");
  test::expect_refused(test::run_verge({"key", "add", file, "--max-concurrent", "-1"}), 2, "-1");
  EXPECT_EQ(folder.entries(), 0u);
  test::expect_refused(test::run_verge({"key", "list", file}), 1, file);
  const std::string broken = folder.add("broken.json", "{");
  test::expect_refused(test::run_verge({"key", "add", broken}), 1, "broken.json");
}

}  // namespace
}  // namespace verge::cli
