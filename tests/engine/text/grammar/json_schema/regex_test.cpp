#include <optional>
#include <regex>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/json_schema/regex.hpp>
#include <verge/engine/text/grammar/recognizer.hpp>

namespace verge::text::grammar {
namespace {

class Regex {
 public:
  explicit Regex(std::string_view pattern) {
    Rules rules;
    JsonRules json(rules);
    const auto read = read_regex(pattern, json);
    if (!read) {
      message = read.error().message;
      code = read.error().code;
      return;
    }
    least = read->least;
    most = read->most;
    const int32_t root = rules.declare("root");
    rules.define(root, read->node);
    auto compiled = Automaton::compile(rules, root);
    if (compiled) automaton = std::move(compiled).value();
  }

  /// `text` as it stands within a JSON string.
  bool operator()(const std::string& text) const {
    const std::string quoted = nlohmann::json(text).dump();
    return automaton && matches(*automaton, quoted.substr(1, quoted.size() - 2));
  }

  std::optional<Automaton> automaton;
  std::string message;
  Code code = Code::Internal;
  int64_t least = 0, most = 0;
};

// Against the standard library's own ECMAScript expressions.
TEST(Regex, AgreesWithTheStandardLibrary) {
  const char* patterns[] = {"^a$",
                            "a",
                            "^a",
                            "b$",
                            "^$",
                            "^a|b$",
                            "^(a|b)*$",
                            "^[ab]+1?$",
                            "a{2}",
                            "^a{1,2}b{0,}$",
                            "^\\w+$",
                            "\\d",
                            "^\\D*$",
                            "^[^a1]*$",
                            "^a.b$",
                            "^(?:ab|a)b$",
                            "^a+?b*?$",
                            "^\\s$",
                            "^[\\]\\-a]+$",
                            "^a\\.b$",
                            "^[a-]b$",
                            "^\\x61b",
                            "^(a(b(1)?)?)?$",
                            "^\\S\\S$",
                            "^\"?\\\\?$",
                            "^[\\d_]{2,3}$"};
  const std::string letters = "ab1 .-_\"\\]";
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size() && texts[i].size() < 3; ++i) {
    const std::string text = texts[i];
    for (const char letter : letters) texts.push_back(text + letter);
  }
  for (const char* pattern : patterns) {
    const Regex regex(pattern);
    ASSERT_TRUE(regex.automaton) << pattern << " " << regex.message;
    const std::regex expected(pattern);
    for (const std::string& text : texts) {
      ASSERT_EQ(regex(text), std::regex_search(text, expected)) << pattern << " on " << text;
    }
  }
}

TEST(Regex, CharactersAreCodePoints) {
  EXPECT_TRUE(Regex("^.$")("😀"));
  EXPECT_TRUE(Regex("^[α-ω]$")("λ"));
  EXPECT_TRUE(Regex("^\\u00fc\\u{1F600}$")("ü😀"));
  EXPECT_TRUE(Regex("^(?<name>\\n|\\t)$")("\n"));
  EXPECT_FALSE(Regex("^.$")("\n"));
  EXPECT_FALSE(Regex("^[^a]$")("a"));
  EXPECT_TRUE(Regex("^[^a]$")("\n"));
}

TEST(Regex, KnowsHowLongItsTextsAre) {
  const struct {
    const char* pattern;
    int64_t least, most;
  } cases[] = {{"^a{2,4}$", 2, 4},      {"^(ab|c)?$", 0, 2}, {"^a+$", 1, -1},        {"a", 1, -1},
               {"^[a-z]{3}\\d$", 4, 4}, {"^$", 0, 0},        {"^(a{2}){3,}$", 6, -1}};
  for (const auto& test : cases) {
    const Regex regex(test.pattern);
    EXPECT_EQ(regex.least, test.least) << test.pattern;
    EXPECT_EQ(regex.most, test.most) << test.pattern;
  }
}

TEST(Regex, RefusesByPlaceAndConstruct) {
  const struct {
    const char* pattern;
    Code code;
    const char* message;
  } cases[] = {
      {"a(?=b)", Code::Unsupported, "look-around"},
      {"(?<!a)b", Code::Unsupported, "look-around"},
      {"(a)\\1", Code::Unsupported, "character 4: this escape"},
      {"\\bword", Code::Unsupported, "character 1: this escape"},
      {"\\p{L}", Code::Unsupported, "this escape"},
      {"(^a)", Code::Unsupported, "character 2: '^' and '$'"},
      {"a$b", Code::Unsupported, "character 2: '^' and '$'"},
      {"(a", Code::Malformed, "no closing ')'"},
      {"a)", Code::Malformed, "')' closes no group"},
      {"[a", Code::Malformed, "no closing ']'"},
      {"[b-a]", Code::Malformed, "range"},
      {"*a", Code::Malformed, "nothing stands before"},
      {"a**", Code::Malformed, "nothing stands before"},
      {"a{3,2}", Code::Malformed, "run backwards"},
      {"a{20000}", Code::Unsupported, "10000 repetitions"},
      {"a\\", Code::Malformed, "ends in"},
      {"\\u12", Code::Malformed, "not a character"},
      {"\\ud83d", Code::Unsupported, "surrogates"},
  };
  for (const auto& test : cases) {
    const Regex regex(test.pattern);
    EXPECT_EQ(regex.code, test.code) << test.pattern;
    EXPECT_NE(regex.message.find(test.message), std::string::npos)
        << test.pattern << ": " << regex.message;
  }
  EXPECT_NE(Regex(std::string(100, '(')).message.find("too many groups"), std::string::npos);
}

// Whole texts of their own: raw characters, and nothing around them.
TEST(Regex, WholeTextsAgreeWithTheStandardLibrary) {
  const char* patterns[] = {"a", "^a$", "a|b", "^a|b$", "[ab]+\"?", "\\d{2}-\\d", "(a|\"b)*"};
  const char* texts[] = {"", "a", "b", "ab", "a\"", "12-3", "x12-3", "a\"b", "ba", "\"b"};
  for (const char* pattern : patterns) {
    Rules rules;
    const auto read = read_whole_regex(pattern, rules);
    ASSERT_TRUE(read.ok()) << pattern << ": " << read.error().message;
    const int32_t root = rules.declare("root");
    rules.define(root, *read);
    const auto automaton = Automaton::compile(rules, root);
    ASSERT_TRUE(automaton.ok()) << pattern;
    for (const char* text : texts) {
      EXPECT_EQ(matches(*automaton, text), std::regex_match(text, std::regex(pattern)))
          << pattern << " on " << text;
    }
  }
  Rules rules;
  EXPECT_EQ(read_whole_regex("a(?=b)", rules).error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::text::grammar
