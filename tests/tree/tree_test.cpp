// The rules of the tree as tests: sizes, a README for each module, a test for each source, no
// relative includes.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = VERGE_SOURCE_DIR;
constexpr size_t kMostFileLines = 500;
constexpr size_t kMostFunctionLines = 80;

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const std::string extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

// Kernels for one instruction set may be long: unrolled code is not easier to read in pieces.
bool is_isa_kernel(const fs::path& path) {
  const std::string folder = path.parent_path().filename();
  return folder == "avx2" || folder == "avx512" || folder == "simd";
}

TEST(Tree, FilesAreShort) {
  for (const char* folder : {"src", "tests", "bench"}) {
    for (const fs::path& path : sources(folder)) {
      if (is_isa_kernel(path)) continue;
      EXPECT_LE(lines_of(path).size(), kMostFileLines) << path;
    }
  }
}

// A function begins at a line in column 0 or 2 that ends in "{", and ends at "}" in the same
// column.
TEST(Tree, FunctionsAreShort) {
  for (const fs::path& path : sources("src")) {
    if (is_isa_kernel(path) || path.extension() != ".cpp") continue;
    const std::vector<std::string> lines = lines_of(path);
    for (const std::string indent : {"", "  "}) {
      size_t begin = 0;
      for (size_t i = 0; i < lines.size(); ++i) {
        const std::string& line = lines[i];
        const bool opens = line.ends_with(") {") || line.ends_with(") const {");
        if (line.starts_with(indent) && line.size() > indent.size() && line[indent.size()] != ' ' &&
            opens) {
          begin = i;
        }
        if (line == indent + "}" && begin > 0) {
          EXPECT_LE(i - begin, kMostFunctionLines) << path << ":" << begin + 1;
          begin = 0;
        }
      }
    }
  }
}

TEST(Tree, EveryModuleHasAShortReadme) {
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    if (entry.path().filename() != "CMakeLists.txt") continue;
    const fs::path folder = entry.path().parent_path();
    if (folder == kRoot / "src") continue;
    const size_t lines = lines_of(folder / "README.md").size();
    EXPECT_GT(lines, 0u) << folder << " has no README.md";
    EXPECT_LE(lines, 25u) << folder;
  }
}

TEST(Tree, NoRelativeIncludes) {
  const std::regex relative(R"(^\s*#\s*include\s+"(\.\.?/|verge))");
  for (const fs::path& path : sources("src")) {
    for (const std::string& line : lines_of(path)) {
      EXPECT_FALSE(std::regex_search(line, relative)) << path << ": " << line;
    }
  }
}

TEST(Tree, EveryHeaderIsGuarded) {
  for (const fs::path& path : sources("src")) {
    if (path.extension() != ".hpp") continue;
    EXPECT_EQ(lines_of(path).front(), "#pragma once") << path;
  }
}

// ARCHITECTURE.md names paths of the tree; each must be there.
TEST(Tree, ArchitectureIsTrue) {
  const std::regex path_in_text(R"(`((?:src|tests|bench|docs|scripts|cmake)/[A-Za-z0-9_./-]+)`)");
  const std::vector<std::string> lines = lines_of(kRoot / "ARCHITECTURE.md");
  EXPECT_FALSE(lines.empty());
  for (const std::string& line : lines) {
    for (std::sregex_iterator at(line.begin(), line.end(), path_in_text), end; at != end; ++at) {
      EXPECT_TRUE(fs::exists(kRoot / (*at)[1].str())) << (*at)[1];
    }
  }
}

}  // namespace
