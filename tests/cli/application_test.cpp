#include <command_line.hpp>

#include <verge/cli/command.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

std::vector<std::string> words(std::string_view line) {
  std::istringstream stream{std::string(line)};
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST(Application, EveryCommandHasHelpWithAnExampleOfItself) {
  for (const Command& command : commands::table()) {
    std::vector<std::string> arguments = words(command.name);
    arguments.push_back("--help");
    const test::Ran ran = run_verge(arguments);
    EXPECT_EQ(ran.status, 0) << command.name;
    EXPECT_NE(ran.out.find(command.summary), std::string::npos) << command.name;
    EXPECT_NE(ran.out.find("verge " + std::string(command.name)), std::string::npos)
        << command.name << " has no example";
  }
}

TEST(Application, HelpListsEveryCommandInItsGroup) {
  const test::Ran ran = run_verge({"--help"});
  EXPECT_EQ(ran.status, 0);
  for (const Command& command : commands::table()) {
    EXPECT_NE(ran.out.find(words(command.name).front()), std::string::npos) << command.name;
    EXPECT_NE(ran.out.find(command.group), std::string::npos) << command.group;
  }
  EXPECT_NE(ran.out.find("image, lm\n"), std::string::npos) << "verbs of train: " << ran.out;
}

TEST(Application, WrongUseExitsWithTwoAndTheWayToHelp) {
  expect_refused(run_verge({"frobnicate"}), 2, "frobnicate");
  expect_refused(run_verge({"run"}), 2, "Try: verge run --help");
  expect_refused(run_verge({"run", "m.gguf", "-p", "x", "--colour"}), 2, "--colour");
  expect_refused(run_verge({"run", "m.gguf", "-p", "x", "--tokens", "many"}), 2, "many");
}

TEST(Application, AMistypedWordGetsASuggestion) {
  expect_refused(run_verge({"run", "m.gguf", "-p", "x", "--tempp", "3"}), 2,
                 "--tempp is no option; did you mean --temp?");
  expect_refused(run_verge({"run", "m.gguf", "-p", "x", "--tempp=3"}), 2, "did you mean --temp?");
  expect_refused(run_verge({"run", "m.gguf", "--promt", "x"}), 2, "did you mean --prompt?");
  expect_refused(run_verge({"chatt"}), 2, "chatt is no command; did you mean chat?");
  expect_refused(run_verge({"model", "lst"}), 2, "lst is no command; did you mean list?");
}

TEST(Application, TellsItsVersion) {
  const test::Ran ran = run_verge({"--version"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("verge "), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
