#include <vector>

#include <gtest/gtest.h>
#include <standard_input.hpp>

#include <verge/cli/line_reader.hpp>

namespace verge::cli {
namespace {

std::vector<std::string> entries(const std::string& typed) {
  const test::StandardInput input(typed);
  LineReader reader(false, "");
  std::vector<std::string> all;
  while (const auto entry = reader.read("> ")) all.push_back(*entry);
  return all;
}

TEST(LineReader, JoinsLinesThatBelongTogether) {
  using Entries = std::vector<std::string>;
  EXPECT_EQ(entries(""), Entries{});
  EXPECT_EQ(entries("a\n\nb"), (Entries{"a", "", "b"}));
  EXPECT_EQ(entries("one \\\ntwo\nthree\n"), (Entries{"one \ntwo", "three"}));
  EXPECT_EQ(entries("\"\"\"\na\\\n\nb\n\"\"\"\nc\n"), (Entries{"a\\\n\nb\n", "c"}));
  EXPECT_EQ(entries("\"\"\"\nunfinished\n"), (Entries{"unfinished\n"}));
}

}  // namespace
}  // namespace verge::cli
