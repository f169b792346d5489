// `verge chat --cloud` with a node in a process of its own, and at a terminal.

#include <at_terminal.hpp>
#include <gtest/gtest.h>
#include <split_fleet.hpp>
#include <standard_input.hpp>

namespace verge::cli {
namespace {

class CollabChatTest : public test::SplitFleetTest {
 protected:
  std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all = {"chat",  edge_,  "--cloud", node_->address(),
                                    "--dir", phone_, "-t",      "1",
                                    "-n",    "6",    "--temp",  "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::Ran chat(const std::string& typed, std::vector<std::string> more = {}) const {
    const test::StandardInput input(typed);
    more.emplace_back("--plain");
    return test::run_verge(words(std::move(more)));
  }
  static size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
    return found;
  }
};

TEST_F(CollabChatTest, ATalkIsOneSessionThatRunsOnlyWhatIsNew) {
  start(folder_ / "cloud.gguf");
  const test::Ran ran = chat("Who is there?\nAnd who else?\n/stats\n/clear\nAgain\n/stats\n",
                             {"--theta1", "1", "--theta2", "1", "--codec", "f32"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  // Both answers count for the session: it was not begun anew.
  EXPECT_EQ(count(ran.out, "this session: 12 tokens: exit1 0, exit2 0, cloud 12, degraded 0"), 1u)
      << ran.out;
  EXPECT_EQ(count(ran.out, "this session: 6 tokens"), 1u) << ran.out;
  EXPECT_EQ(count(ran.err, "6 tokens: exit1 0, exit2 0, cloud 6, degraded 0 | cloud rate 100%"), 3u)
      << ran.err;
  for (const char* part : {"no chat template", "link up", "round trip", "kB up", "server spared"}) {
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << " in " << ran.err;
  }
}

TEST_F(CollabChatTest, TheFirstAnswerIsTheWholeModels) {
  start(folder_ / "cloud.gguf");
  const test::Ran together = chat("Who is there?\n", {"--theta1", "1", "--theta2", "1", "--quiet"});
  const test::StandardInput input("Who is there?\n");
  const test::Ran whole =
      test::run_verge({"chat", whole_, "-t", "1", "-n", "6", "--temp", "0", "--plain", "--quiet"});
  EXPECT_EQ(together.out, whole.out);
  EXPECT_FALSE(whole.out.empty());
}

TEST_F(CollabChatTest, WithoutTheCloudTheTalkGoesOnAndSaysSoOnce) {
  start(folder_ / "cloud.gguf");
  const std::vector<std::string> talking = words({"--theta1", "1", "--deadline", "1"});
  test::AtTerminal talk(talking, folder_ / "state");
  ASSERT_TRUE(talk.prompts()) << talk.said();
  talk.type("Who is there?\r");
  ASSERT_TRUE(talk.says("link up")) << talk.said();
  ASSERT_TRUE(talk.prompts()) << talk.said();
  EXPECT_EQ(node_->stop(SIGKILL), 128 + SIGKILL);
  for (int turn = 0; turn < 2; ++turn) {
    talk.type("And else?\r");
    EXPECT_TRUE(talk.says("link down")) << talk.said();
    EXPECT_TRUE(talk.prompts()) << talk.said();
  }
  talk.type("/stats\r");
  EXPECT_TRUE(talk.says("this session: 18 tokens")) << talk.said();
  EXPECT_TRUE(talk.prompts()) << talk.said();
  EXPECT_EQ(talk.end_by("/quit\r"), 0) << talk.said();
  EXPECT_EQ(count(talk.said(), "without the cloud"), 1u) << talk.said();
  EXPECT_NE(talk.said().find("\x1b[3"), std::string::npos) << talk.said();  // coloured
}

TEST_F(CollabChatTest, BadUseIsOneTrueLine) {
  const auto refuse = [&](std::vector<std::string> more, int status, const char* text) {
    std::vector<std::string> all = {"chat", whole_, "--plain", "-t", "1"};
    all.insert(all.end(), more.begin(), more.end());
    const test::StandardInput input("");
    test::expect_refused(test::run_verge(all), status, text);
  };
  refuse({"--mode", "auto"}, 2, "--cloud");
  refuse({"--cloud", "127.0.0.1:1", "--dir", home_}, 1, "verge node join");
  refuse({"--mode", "standalone", "--lora", "style.gguf"}, 2, "--lora");
  refuse({"--mode", "standalone", "--plan", "model.vplan"}, 2, "--plan");
  const test::StandardInput input("Hello\n");
  const test::Ran alone = test::run_verge(
      {"chat", whole_, "--plain", "-t", "1", "-n", "3", "--temp", "0", "--mode", "standalone"});
  EXPECT_EQ(alone.status, 0) << alone.err;
  EXPECT_NE(alone.err.find("3 tokens: "), std::string::npos) << alone.err;
  EXPECT_NE(alone.err.find("standalone"), std::string::npos) << alone.err;
}

}  // namespace
}  // namespace verge::cli
