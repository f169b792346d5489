// Each rule catches what it is for, and lets pass what is allowed.

#include "rules.hpp"

#include <gtest/gtest.h>

namespace verge::tree {
namespace {

File file(std::string path, std::vector<std::string> lines) {
  return {std::move(path), std::move(lines)};
}

std::vector<std::string> long_function(size_t lines, const std::string& indent) {
  std::vector<std::string> text = {indent + "int f(int a,", indent + "      int b) noexcept {"};
  while (text.size() < lines) text.push_back(indent + "  ++a;");
  text.push_back(indent + "}");
  return text;
}

TEST(Rules, CatchLongFilesAndFunctions) {
  const std::vector<std::string> lines(501, "x");
  EXPECT_EQ(is_short(file("src/core/x.cpp", lines)).size(), 1u);
  EXPECT_EQ(is_short(file("src/engine/kernels/avx2/x.cpp", lines)).size(), 0u);
  for (const std::string indent : {"", "  "}) {
    EXPECT_EQ(functions_are_short(file("src/core/x.cpp", long_function(80, indent))).size(), 0u);
    EXPECT_EQ(functions_are_short(file("src/core/x.cpp", long_function(81, indent))).size(), 1u);
  }
}

struct Example {
  const char* name;
  Rule rule;
  File file;
  size_t violations;
};

const std::string kPath = "src/engine/text/x.cpp";

const Example kExamples[] = {
    {"relative include", includes_by_full_path, file(kPath, {"#include \"y.hpp\""}), 1},
    {"relative include", includes_by_full_path, file(kPath, {"#  include \"../y.hpp\""}), 1},
    {"full include", includes_by_full_path, file(kPath, {"#include <verge/core/file.hpp>"}), 0},
    {"a test's neighbour", includes_by_full_path,
     file("tests/core/x_test.cpp", {"#include \"y.hpp\""}), 0},
    {"quoted module", includes_by_full_path,
     file("tests/core/x_test.cpp", {"#include \"verge/y.hpp\""}), 1},
    {"upward", includes_downward, file(kPath, {"#include <verge/engine/model/language_model.hpp>"}),
     1},
    {"downward", includes_downward, file(kPath, {"#include <verge/core/file.hpp>"}), 0},
    {"from core", includes_downward,
     file("src/core/x.hpp", {"#include <verge/engine/graph/ir.hpp>"}), 1},
    {"another stage", includes_downward,
     file("src/stages/serve/chat/x.cpp", {"#include <verge/stages/build/train_lm/corpus.hpp>"}), 1},
    {"a lower module", includes_downward,
     file("src/stages/serve/chat/x.cpp", {"#include <verge/engine/text/tokenizer.hpp>"}), 0},
    {"no guard", begins_with_pragma_once, file("src/core/x.hpp", {"// x", "#pragma once"}), 1},
    {"empty header", begins_with_pragma_once, file("src/core/x.hpp", {}), 1},
    {"unfinished", has_no_forbidden_words,
     file(kPath, {"// TO"
                  "DO: later"}),
     1},
    {"a machine's path", has_no_forbidden_words,
     file(kPath, {"open(\"/ho"
                  "me/me/x\")"}),
     1},
    {"a word's part", has_no_forbidden_words,
     file(kPath, {"TO"
                  "DOS"}),
     0},
    {"prints", never_prints_or_exits,
     file(kPath, {"std::cout << 1;", "printf(\"\");", "fmt::print(\"\");"}), 3},
    {"exits", never_prints_or_exits, file(kPath, {"std::exit(1);", "exit(1);"}), 2},
    {"the command may", never_prints_or_exits, file("src/cli/x.cpp", {"std::exit(1);"}), 0},
    {"names that end so", never_prints_or_exits, file(kPath, {"on_exit(f);", "blueprint(x);"}), 0},
    {"own clock", takes_clock_and_chance_from_core,
     file(kPath, {"std::chrono::steady_clock::now()"}), 1},
    {"core's clock", takes_clock_and_chance_from_core, file("src/core/clock.cpp", {"steady_clock"}),
     0},
    {"no test", has_a_mirrored_test, file("src/core/nothing.cpp", {}), 1},
    {"a test", has_a_mirrored_test, file("src/core/file.cpp", {}), 0},
    {"a folder's test", has_a_mirrored_test, file("src/engine/kernels/ops/new.cpp", {}), 0},
};

TEST(Rules, CatchWhatTheyAreFor) {
  for (const Example& example : kExamples) {
    EXPECT_EQ(example.rule(example.file).size(), example.violations)
        << example.name << " in " << example.file.path;
  }
}

}  // namespace
}  // namespace verge::tree
