#include <fstream>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <standard_input.hpp>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

class ChatCommand : public testing::Test {
 protected:
  test::Ran chat(const std::string& typed, std::vector<std::string> more = {}) {
    const test::StandardInput input(typed);
    std::vector<std::string> arguments = {"chat", model_, "--plain", "-t", "1",
                                          "-n",   "4",    "--temp",  "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_verge(arguments);
  }

  test::TemporaryFolder folder_;
  std::string model_ = test::tiny_model(folder_);
};

TEST_F(ChatCommand, AnswersUntilTheInputEnds) {
  const test::Ran ran = chat("Hello\n/stats\n");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("2 messages"), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("no chat template"), std::string::npos) << ran.err;
}

TEST_F(ChatCommand, CommandsChangeTheConversation) {
  const std::string saved = folder_ / "saved.json";
  const test::Ran ran = chat("Hello\n/system Be kind.\n/save " + saved +
                             "\n/clear\n/stats\n/load " + saved + "\n/stats\n/quit\nnever\n");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("1 messages"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("3 messages"), std::string::npos) << ran.out;
}

TEST_F(ChatCommand, AStateThatWasSavedIsNotComputedAgain) {
  const std::string saved = folder_ / "saved.json";
  EXPECT_EQ(chat("Hello there, how are you?\n/save " + saved + "\n/quit\n").status, 0);
  const std::string more = "/load " + saved + "\nAnd now?\n/stats\n";
  const test::Ran with = chat(more);
  std::ofstream(saved + ".kv") << "damaged";
  const test::Ran damaged = chat(more);
  EXPECT_NE(damaged.err.find("computed again"), std::string::npos) << damaged.err;
  const auto new_tokens = [](const test::Ran& ran) {
    const size_t at = ran.out.find("last answer: ");
    EXPECT_NE(at, std::string::npos) << ran.out;
    return std::atoi(ran.out.c_str() + at + 13);
  };
  EXPECT_LT(new_tokens(with) + 20, new_tokens(damaged));
}

TEST_F(ChatCommand, MistakesAreOneLineAndTheTalkGoesOn) {
  const test::Ran ran =
      chat("/frobnicate\n/save\n/load nothing.json\n" + std::string(900, 'x') + "\n/stats\n",
           {"--context", "256"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  for (const char* part : {"no command /frobnicate", "/save FILE", "nothing.json", "/clear"}) {
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << " in " << ran.err;
  }
  EXPECT_NE(ran.out.find("0 messages"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace verge::cli
