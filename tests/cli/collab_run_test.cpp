// One model on two machines, as users meet it: a node in a process of its own and `verge run`.

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <node_process.hpp>
#include <paths.hpp>
#include <temporary_folder.hpp>
#include <tiny_models.hpp>

namespace verge::cli {
namespace {

class CollabRunTest : public testing::Test {
 protected:
  // A fleet of home and phone; home runs `model`, phone has edge.gguf.
  void start(const std::string& model) {
    test::run_json({"fit", "split", whole_, "-o", edge_, folder_ / "cloud.gguf"});
    test::run_json({"node", "init", "home", "--dir", home_});
    node_.emplace(home_, std::vector<std::string>{"--collab", model, "--threads", "1"});
    const std::string token = test::run_json({"node", "invite", "phone", "--dir", home_})["token"];
    test::run_json({"node", "join", node_->join_address(), token, "--dir", phone_});
  }

  std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all = {"run",       edge_, "-p",     "And it came to pass",
                                    "-n",        "12",  "--temp", "0",
                                    "--threads", "1",   "--dir",  phone_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  nlohmann::json run(std::vector<std::string> more) const { return test::run_json(words(more)); }

  static std::vector<int> ids(const nlohmann::json& answer) {
    std::vector<int> ids;
    for (const auto& token : answer["tokens"]) ids.push_back(token["token"]);
    return ids;
  }

  test::TemporaryFolder folder_;
  std::string whole_ = test::source_file("models/verge-lm.gguf");
  std::string edge_ = folder_ / "edge.gguf", home_ = folder_ / "home", phone_ = folder_ / "phone";
  std::optional<test::NodeProcess> node_;
};

TEST_F(CollabRunTest, AnExitThatIsNeverSureGivesTheWholeModelsAnswer) {
  start(folder_ / "cloud.gguf");
  const auto whole = test::run_json(
      {"run", whole_, "-p", "And it came to pass", "-n", "12", "--temp", "0", "--threads", "1"});
  const auto together =
      run({"--cloud", node_->address(), "--theta1", "1", "--theta2", "1", "--codec", "f32"});
  EXPECT_EQ(ids(together), whole["tokens"].get<std::vector<int>>());
  EXPECT_EQ(together["text"], whole["text"]);
  EXPECT_EQ(together["places"]["cloud"], 12);
  EXPECT_GT(together["bytes_up"], 12 * 256 * 4);
  const auto alone = run({"--mode", "standalone"});
  EXPECT_EQ(alone["places"]["cloud"], 0);
  EXPECT_EQ(alone["bytes_up"], 0);
}

TEST_F(CollabRunTest, AllModesAreComparedWithTheCloudsOwnAnswer) {
  start(whole_);
  const auto modes = run({"--cloud", node_->address(), "--compare"})["modes"];
  ASSERT_EQ(modes.size(), 5u);
  EXPECT_EQ(modes[0]["mode"], "cloud");
  EXPECT_EQ(modes[0]["edge_layer_tokens"], 0);
  EXPECT_EQ(modes[1]["mode"], "naive");
  EXPECT_EQ(ids(modes[1]), ids(modes[2]));
  EXPECT_GT(modes[1]["bytes_up"], modes[2]["bytes_up"]);
  EXPECT_EQ(modes[4]["mode"], "standalone");
  const test::Ran table = test::run_verge(words({"--cloud", node_->address(), "--compare"}));
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_NE(table.out.find("naive"), std::string::npos) << table.out;
}

TEST_F(CollabRunTest, WithoutTheCloudTheEdgeGoesOnAndSaysSo) {
  start(folder_ / "cloud.gguf");
  const std::string address = node_->address();
  EXPECT_EQ(node_->stop(SIGKILL), 128 + SIGKILL);
  const test::Ran ran = test::run_verge(words({"--cloud", address, "--theta1", "1", "--json"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find("without the cloud: "), std::string::npos) << ran.err;
  const auto answer = nlohmann::json::parse(ran.out);
  EXPECT_GT(answer["places"]["degraded"], 0);
  EXPECT_EQ(answer["places"]["cloud"], 0);
}

TEST_F(CollabRunTest, AModelWithoutExitsIsRefused) {
  start(folder_ / "cloud.gguf");
  build::RandomModelSpec spec = test::tiny_spec("tiny-llama");
  const test::Ran ran = test::run_verge({"run", test::write_model(folder_, spec, DType::F32), "-p",
                                         "a", "--cloud", node_->address(), "--dir", phone_});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("early exits"), std::string::npos) << ran.err;
}

TEST_F(CollabRunTest, EachTokenIsExplained) {
  start(folder_ / "cloud.gguf");
  const test::Ran ran = test::run_verge(words({"--cloud", node_->address(), "--explain"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  for (const char* part : {"place", "asked", "cloud"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << " in " << ran.out;
  }
  EXPECT_NE(ran.err.find("kB up"), std::string::npos) << ran.err;
}

TEST_F(CollabRunTest, BadUseIsOneTrueLine) {
  test::expect_refused(test::run_verge({"run", whole_, "-p", "a", "--mode", "collab"}), 2,
                       "--cloud");
  test::expect_refused(test::run_verge({"run", whole_, "-p", "a", "--mode", "fog"}), 2, "fog");
  test::expect_refused(
      test::run_verge({"run", whole_, "-p", "a", "--mode", "standalone", "--compare"}), 2,
      "--cloud");
  test::expect_refused(
      test::run_verge({"run", whole_, "-p", "a", "--mode", "standalone", "--theta1", "2"}), 2,
      "threshold");
  test::expect_refused(
      test::run_verge({"run", whole_, "-p", "a", "--cloud", "127.0.0.1:1", "--dir", home_}), 1,
      "verge node join");
}

}  // namespace
}  // namespace verge::cli
