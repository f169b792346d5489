#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include <verge/cli/parser.hpp>

namespace verge::cli {
namespace {

struct Values {
  std::string text = "abc", model;
  int small = 1;
  int64_t large = 2;
  uint64_t seed = 3;
  float single = 0.5f;
  double real = 0.25;
  std::vector<std::string> words, pair;
  std::vector<int64_t> numbers;
  bool flag = false;
};

class ParserTest : public testing::Test {
 protected:
  ParserTest() {
    parser_.add_option("MODEL", values_.model, "A model").required();
    parser_.add_option("--text", values_.text, "A text").one_of({"abc", "def"});
    parser_.add_option("-s,--small", values_.small, "An int").positive();
    parser_.add_option("--large", values_.large, "Another").not_negative().group("Sizes");
    parser_.add_option("--seed", values_.seed, "A seed").environment("VERGE_TEST_SEED");
    parser_.add_option("--single", values_.single, "A float");
    parser_.add_option("--real", values_.real, "A double");
    parser_.add_option("--word", values_.words, "Words").repeated();
    parser_.add_option("--pair", values_.pair, "Two words").words(2);
    parser_.add_option("--numbers", values_.numbers, "Numbers").separated_by(',');
    parser_.add_flag("--flag", values_.flag, "A flag");
  }
  bool parses(const std::string& line) {
    try {
      app_.parse(line);
      return true;
    } catch (const CLI::ParseError&) {
      return false;
    }
  }

  CLI::App app_;
  Parser parser_{app_};
  Values values_;
};

TEST_F(ParserTest, SetsEachKindOfValue) {
  ASSERT_TRUE(
      parses("m --text def -s 4 --large 5 --seed 6 --single 1.5 --real 2.5 --word a "
             "--word b --numbers 1,-2 --flag"));
  EXPECT_EQ(values_.model, "m");
  EXPECT_EQ(values_.text, "def");
  EXPECT_EQ(values_.small, 4);
  EXPECT_EQ(values_.large, 5);
  EXPECT_EQ(values_.seed, 6u);
  EXPECT_EQ(values_.single, 1.5f);
  EXPECT_EQ(values_.real, 2.5);
  EXPECT_EQ(values_.words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(values_.numbers, (std::vector<int64_t>{1, -2}));
  EXPECT_TRUE(values_.flag);
}

TEST_F(ParserTest, RefusesWhatABoundForbids) {
  for (const char* line : {"", "m --text ghi", "m -s 0", "m --large -1", "m --seed -1", "m n",
                           "m --word a b", "m --single much", "m --pair a"}) {
    EXPECT_FALSE(parses(line)) << line;
  }
  EXPECT_TRUE(parses("m --large 0"));
  EXPECT_TRUE(parses("--pair a b m"));
  EXPECT_EQ(values_.pair, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ParserTest, HelpShowsDefaultsAndGroups) {
  const std::string help = app_.help();
  for (const char* part : {"=abc", "=0.25", "Sizes:", "VERGE_TEST_SEED", "MODEL", "REQUIRED"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part << " in " << help;
  }
}

}  // namespace
}  // namespace verge::cli
