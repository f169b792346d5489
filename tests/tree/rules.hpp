#pragma once
// The rules of the tree, each a function from a file to what it breaks: "file:line: what".

#include <string>
#include <string_view>
#include <vector>

namespace verge::tree {

struct File {
  std::string path;  // from the root: "src/core/file.cpp"
  std::vector<std::string> lines;

  std::string name() const { return path.substr(path.rfind('/') + 1); }
  std::string folder() const { return path.substr(0, path.rfind('/')); }
};

using Violations = std::vector<std::string>;
using Rule = Violations (*)(const File& file);

/// At most 500 lines. Kernels for one instruction set may be longer: unrolled code is not easier to
/// read in pieces.
Violations is_short(const File& file);
/// At most 80 lines from the signature to the closing brace; the same exemption.
Violations functions_are_short(const File& file);
/// `#include <verge/...>` everywhere in src/; tests and benches may include their neighbours.
Violations includes_by_full_path(const File& file);
/// Nothing of a module that src/CMakeLists.txt lists after the file's own, nor of another stage.
Violations includes_downward(const File& file);
Violations begins_with_pragma_once(const File& file);
/// No unfinished work, and no paths of one machine.
Violations has_no_forbidden_words(const File& file);
/// Libraries return errors: they never print, and never end the process.
Violations never_prints_or_exits(const File& file);
/// Clocks and sources of chance are handed down from main; core holds the real ones.
Violations takes_clock_and_chance_from_core(const File& file);
/// src/x/y.cpp has tests/x/y_test.cpp, or the test that stands for it is named in the rule.
Violations has_a_mirrored_test(const File& file);

/// Every file of a folder with one of these endings; generated ones are in no folder of ours.
std::vector<File> files_of(std::string_view folder, const std::vector<std::string>& endings);
std::vector<std::string> lines_of(const std::string& path_from_root);
bool exists(const std::string& path_from_root);

}  // namespace verge::tree
