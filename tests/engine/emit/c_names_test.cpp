#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/emit/c_names.hpp>

namespace verge::emit {
namespace {

TEST(CNames, KeepNothingThatCouldEndALiteralOrAComment) {
  EXPECT_EQ(c_identifier("a.b/c 1"), "a_b_c_1");
  EXPECT_EQ(c_identifier(""), "x");
  EXPECT_EQ(c_identifier("\xc3\xa9"), "__");
  for (const char* hostile : {"*/", "/*", "//x", "a\nb", "?\?/", "\\", "/x"}) {
    const std::string comment = "/* " + c_comment(hostile) + "*/";
    EXPECT_EQ(comment.find("*/"), comment.size() - 2) << comment;
    EXPECT_EQ(comment.find("/*", 1), std::string::npos) << comment;
    EXPECT_EQ(comment.find_first_of("\n\\?"), std::string::npos) << comment;
  }
  EXPECT_EQ(c_string("a\"b\\n\n"), "\"a\\042b\\134n\\012\"");
}

TEST(CNames, ListsHaveLinesThatCanBeRead) {
  CList list;
  for (int i = 0; i < 1000; ++i) list.add(std::to_string(i));
  const std::string text = list.str();
  EXPECT_EQ(text.substr(0, 11), "  0, 1, 2, ");
  EXPECT_EQ(text.substr(text.size() - 6), " 999,\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), ','), 1000);
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    EXPECT_LE(end - at, 120u);
  }
  EXPECT_EQ(CList().str(), " \n");
}

TEST(CNames, DifferFromEachOther) {
  CNames names;
  EXPECT_EQ(names.unique("in_", "x.1"), "in_x_1");
  EXPECT_EQ(names.unique("in_", "x_1"), "in_x_1_2");
  EXPECT_EQ(names.unique("in_", "x/1"), "in_x_1_3");
}

}  // namespace
}  // namespace verge::emit
