// docs/guide.md tells of every command, and of no option that is not there.

#include <fstream>
#include <regex>

#include <command_line.hpp>
#include <paths.hpp>

#include <verge/cli/command.hpp>

namespace verge::cli {
namespace {

std::string guide() {
  std::ifstream file(test::source_file("docs/guide.md"));
  return {std::istreambuf_iterator<char>(file), {}};
}

// The command of "verge train lm book.txt ...": the longest name that the line goes on with.
const Command* command_of(std::string_view line) {
  const Command* best = nullptr;
  for (const Command& command : commands::table()) {
    const bool fits = line.starts_with("verge " + std::string(command.name));
    if (fits && (best == nullptr || command.name.size() > best->name.size())) best = &command;
  }
  return best;
}

std::string help_of(const Command& command) {
  std::istringstream words{std::string(command.name)};
  std::vector<std::string> arguments{std::istream_iterator<std::string>(words), {}};
  arguments.push_back("--help");
  return test::run_verge(arguments).out;
}

TEST(Guide, TellsOfEveryCommand) {
  const std::string text = guide();
  for (const Command& command : commands::table()) {
    EXPECT_NE(text.find("verge " + std::string(command.name)), std::string::npos) << command.name;
  }
}

TEST(Guide, ItsCommandLinesNameOptionsThatExist) {
  const std::string text = guide();
  const std::regex call("verge [a-z][^\n|]*"), option("(^|\\s)(--[a-z][a-z-]*)");
  for (std::sregex_iterator line(text.begin(), text.end(), call), end; line != end; ++line) {
    const std::string words = line->str();
    const Command* command = command_of(words);
    if (command == nullptr) continue;  // of the library's name in prose
    const std::string help = help_of(*command);
    for (std::sregex_iterator at(words.begin(), words.end(), option); at != end; ++at) {
      EXPECT_NE(help.find((*at)[2].str()), std::string::npos) << words << ": " << (*at)[2];
    }
  }
}

}  // namespace
}  // namespace verge::cli
