// One model on two machines, as users meet it: a node in a process of its own and `verge run`.

#include <gtest/gtest.h>
#include <split_fleet.hpp>
#include <tiny_models.hpp>

#include <verge/cli/exit_policy.hpp>

namespace verge::cli {
namespace {

class CollabRunTest : public test::SplitFleetTest {
 protected:
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

TEST_F(CollabRunTest, StatesTravelInThePolicysCodecUnlessAnotherIsAskedFor) {
  start(folder_ / "cloud.gguf");
  const std::string policy = folder_ / "policy.json";
  const std::string hash = test::run_json({"inspect", edge_})["split"]["model_hash"];
  ASSERT_TRUE(write_policy({.model_hash = hash, .exits = {2, 4}, .codec = "int4"}, policy));
  const auto ask = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--cloud", node_->address(), "--policy", policy});
    const auto answer = run(more);
    EXPECT_EQ(answer["places"]["cloud"], 12);
    return answer["bytes_up"].get<int>();
  };
  const int coarse = ask({}), exact = ask({"--codec", "f32"});
  EXPECT_GT(exact, coarse + 12 * 256 * 3);
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

TEST_F(CollabRunTest, DraftsChangeNoToken) {
  start(folder_ / "cloud.gguf");
  const std::vector<std::string> unsure = {"--cloud", node_->address(), "--theta1",
                                           "1",       "--theta2",       "1"};
  std::vector<std::string> drafting = unsure;
  drafting.insert(drafting.end(), {"--speculate", "exits", "--draft-tokens", "4"});
  const auto without = run(unsure), with = run(drafting);
  EXPECT_EQ(ids(with), ids(without));
  EXPECT_EQ(without["draft_tokens"], 0);
  EXPECT_EQ(without["waits"], 12);
  EXPECT_GT(with["draft_tokens"], 0);
  EXPECT_LE(with["undone_tokens"], with["draft_tokens"]);
  const test::Ran told = test::run_verge(words(drafting));
  EXPECT_NE(told.err.find("tokens drafted while the cloud was asked"), std::string::npos)
      << told.err;
}

TEST_F(CollabRunTest, TokensAreKeptOnlyWhereThatIsAskedFor) {
  start(folder_ / "cloud.gguf");
  const auto plain = run({"--cloud", node_->address()});
  const auto kept = run({"--cloud", node_->address(), "--session", "poem", "--audit"});
  EXPECT_EQ(ids(kept), ids(plain));
  EXPECT_EQ(kept["recovered_tokens"], 0) << "what has ended is forgotten";
  EXPECT_GT(kept["bytes_up"], plain["bytes_up"]);
}

TEST_F(CollabRunTest, ASessionThatCannotBeAskedForIsLeftAlone) {
  start(folder_ / "cloud.gguf");
  const std::string address = node_->address();
  node_.reset();
  const test::Ran ran =
      test::run_verge(words({"--cloud", address, "--session", "poem", "--audit"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find("session poem is left as it is"), std::string::npos) << ran.err;
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
      test::run_verge({"run", whole_, "-p", "a", "--mode", "standalone", "--speculate", "ngram"}),
      2, "--speculate exits");
  test::expect_refused(
      test::run_verge({"run", whole_, "-p", "a", "--mode", "standalone", "--noise", "-1"}), 2,
      "noise");
  test::expect_refused(
      test::run_verge({"run", whole_, "-p", "a", "--cloud", "127.0.0.1:1", "--session", "poem"}), 2,
      "--audit");
  for (const char* mode : {"cloud", "standalone", "naive"}) {
    test::expect_refused(test::run_verge({"run", whole_, "-p", "a", "--cloud", "127.0.0.1:1",
                                          "--session", "poem", "--audit", "--mode", mode}),
                         2, fmt::format("--mode {}", mode));
  }
  test::expect_refused(
      test::run_verge({"run", whole_, "-p", "a", "--cloud", "127.0.0.1:1", "--dir", home_}), 1,
      "verge node join");
}

}  // namespace
}  // namespace verge::cli
