#include <cstdlib>
#include <fstream>

#include <command_line.hpp>

#include <verge/cli/command.hpp>

namespace verge::cli {
namespace {

using test::run_verge;

TEST(Shell, CompletionKnowsEveryCommandAndItsOptions) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const test::Ran ran = run_verge({"completion", shell});
    EXPECT_EQ(ran.status, 0) << ran.err;
    for (const Command& command : commands::table()) {
      const std::string name(command.name.substr(command.name.find(' ') + 1));
      EXPECT_NE(ran.out.find(name), std::string::npos) << shell << ": " << name;
    }
    EXPECT_NE(ran.out.find("threads"), std::string::npos) << shell;
  }
  test::expect_refused(run_verge({"completion", "tcsh"}), 2, "bash, zsh or fish");
}

TEST(Shell, TheBashScriptIsValidBash) {
  const std::string path = testing::TempDir() + "verge_completion.bash";
  std::ofstream(path) << run_verge({"completion", "bash"}).out;
  EXPECT_EQ(std::system(("bash -n " + path).c_str()), 0);
}

TEST(Shell, TheManualDescribesEveryCommand) {
  const test::Ran ran = run_verge({"man"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out.find(".TH VERGE 1"), 0u);
  for (const Command& command : commands::table()) {
    EXPECT_NE(ran.out.find(".SS verge " + std::string(command.name)), std::string::npos)
        << command.name;
  }
}

}  // namespace
}  // namespace verge::cli
