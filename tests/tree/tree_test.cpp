// The tree keeps its rules.

#include <algorithm>
#include <regex>

#include <gtest/gtest.h>

#include "rules.hpp"

namespace verge::tree {
namespace {

const std::vector<std::string> kCode = {".cpp", ".hpp"};

void expect_kept(Rule rule, const std::vector<std::string>& folders,
                 const std::vector<std::string>& endings = kCode) {
  for (const std::string& folder : folders) {
    for (const File& file : files_of(folder, endings)) {
      for (const std::string& violation : rule(file)) ADD_FAILURE() << violation;
    }
  }
}

TEST(Tree, FilesAreShort) {
  expect_kept(is_short, {"src", "tests", "bench"});
}

TEST(Tree, FunctionsAreShort) {
  expect_kept(functions_are_short, {"src", "tests", "bench"}, {".cpp"});
}

TEST(Tree, ThePagesKeepTheRulesToo) {
  const std::vector<std::string> folders = {"web/src", "web/tests", "web/scripts"};
  expect_kept(is_short, folders, {".ts", ".tsx", ".css", ".mjs"});
  expect_kept(functions_are_short, {"web/src", "web/scripts"}, {".ts", ".tsx", ".mjs"});
  expect_kept(has_no_forbidden_words, folders, {".ts", ".tsx", ".css", ".mjs", ".cmake"});
  EXPECT_LE(lines_of("web/README.md").size(), 25u);
}

TEST(Tree, IncludesAreByFullPathAndDownward) {
  expect_kept(includes_by_full_path, {"src", "tests", "bench"});
  expect_kept(includes_downward, {"src"});
}

TEST(Tree, EveryHeaderIsGuarded) {
  expect_kept(begins_with_pragma_once, {"src", "tests", "bench"}, {".hpp"});
}

TEST(Tree, NothingIsUnfinishedOrOfOneMachine) {
  expect_kept(has_no_forbidden_words, {"src", "tests", "bench", "docs", "scripts", "cmake"},
              {".cpp", ".hpp", ".txt", ".cmake", ".md", ".py", ".sh", ""});
}

TEST(Tree, LibrariesNeverPrintAndNeverExit) {
  expect_kept(never_prints_or_exits, {"src"});
}

TEST(Tree, ClockAndChanceComeFromCore) {
  expect_kept(takes_clock_and_chance_from_core, {"src"});
}

TEST(Tree, EverySourceHasATest) {
  expect_kept(has_a_mirrored_test, {"src"}, {".cpp"});
}

TEST(Tree, EveryModuleHasAShortReadme) {
  for (const File& file : files_of("src", {".txt"})) {
    if (file.name() != "CMakeLists.txt" || file.folder() == "src") continue;
    const size_t lines = lines_of(file.folder() + "/README.md").size();
    EXPECT_GT(lines, 0u) << file.folder() << " has no README.md";
    EXPECT_LE(lines, 25u) << file.folder();
  }
}

// Both name paths of the tree; each must be there.
TEST(Tree, DocumentsAreTrue) {
  const std::regex path_in_text(R"(`((?:src|tests|bench|docs|scripts|cmake)/[A-Za-z0-9_./-]+)`)");
  for (const char* document : {"ARCHITECTURE.md", "CONTRIBUTING.md", "docs/systems.md"}) {
    const std::vector<std::string> lines = lines_of(document);
    EXPECT_FALSE(lines.empty()) << document;
    for (const std::string& line : lines) {
      for (std::sregex_iterator at(line.begin(), line.end(), path_in_text), end; at != end; ++at) {
        const std::string path = (*at)[1];
        const bool is_pattern = path.find("/x") != std::string::npos;
        EXPECT_TRUE(is_pattern || exists(path)) << document << ": " << path;
      }
    }
  }
}

TEST(Tree, PackagesAreSorted) {
  const std::vector<std::string> packages = lines_of("scripts/packages.txt");
  EXPECT_FALSE(packages.empty());
  EXPECT_TRUE(std::ranges::is_sorted(packages));
}

}  // namespace
}  // namespace verge::tree
