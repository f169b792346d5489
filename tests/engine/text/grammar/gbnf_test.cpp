#include <string>

#include "grammars.hpp"

namespace verge::text {
namespace {

TEST(Gbnf, ReadsEveryPartOfTheNotation) {
  const struct {
    const char* grammar;
    std::initializer_list<const char*> yes, no;
  } cases[] = {
      {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "ye", "yesno", "Yes"}},
      {"root ::= [a-c]+ [^a-c]", {"ax", "abc-", "cü"}, {"a", "abca", "x"}},
      {"root ::= \"a\"? \"b\"* \"c\"+", {"c", "ac", "abbcc", "bc"}, {"", "a", "aac", "cb"}},
      {"root ::= \"a\"{3}", {"aaa"}, {"aa", "aaaa"}},
      {"root ::= \"ab\"{2,}", {"abab", "ababab"}, {"ab", "aba"}},
      {"root ::= [ab]{1,2} \"c\"{0,1}", {"a", "ab", "bbc"}, {"", "aaa", "c"}},
      {"root ::= \"a\"{,2}", {"", "a", "aa"}, {"aaa"}},
      {"root ::= (\"a\" | \"b\" \"c\")+ .", {"az", "bca", "abcü"}, {"a", "bb", ""}},
      {"root ::= item (\",\" item)*\nitem ::= [0-9]{1,3}", {"1", "12,3"}, {"1,", "1234"}},
      {"# head\nroot ::= # here\n  \"x\" # tail\n\n\ny ::= \"y\"", {"x"}, {"y", ""}},
      {"root ::= (\n  \"a\"\n  | \"b\"\n)\n", {"a", "b"}, {"ab"}},
      {"root ::= \"a\" |\n  \"b\"", {"a", "b"}, {}},
      {"root ::= \"a\" | ", {"", "a"}, {"b"}},
      {"root ::= \"\\n\\t\\\"\\\\\\x41\\u00fc\\U0001F600\"", {"\n\t\"\\Aü😀"}, {"x"}},
      {"root ::= [\\[\\]\\\\-]+", {"[]\\-"}, {"a"}},
      {"root ::= [a-]", {"a", "-"}, {"b"}},
      {"root ::= [α-ω]+", {"λγο"}, {"abc", "Λ"}},
      {"root ::= [^\\x00-\\x7F]", {"é", "€", "😀"}, {"e", "\xC3", "\xED\xA0\x80", "\xC0\x80"}},
      {"root ::= my-rule_2\nmy-rule_2 ::= \"q\"", {"q"}, {}},
      {"root ::= (\"a\"*)* \"b\"", {"b", "aaab"}, {"a"}},
      {"root ::= \"(\" root \")\" | \"\"", {"", "()", "((()))"}, {"(", "(()", ")("}},
      {"root::=\"a\"\r\n", {"a"}, {}},
  };
  for (const auto& test : cases) expect_texts(*gbnf(test.grammar), test.yes, test.no, test.grammar);
}

TEST(Gbnf, ErrorsNameLineColumnAndWhatIsWrong) {
  const struct {
    const char* grammar;
    Code code;
    const char* message;
  } cases[] = {
      {"", Code::Malformed, "there is no rule 'root'"},
      {"a ::= \"x\"", Code::Malformed, "there is no rule 'root'"},
      {"root = \"x\"", Code::Malformed, "line 1, column 6: expected ::= after the name 'root'"},
      {"root ::= \"x\"\n\n  other", Code::Malformed, "line 3, column 8: expected ::="},
      {"root ::= \"x", Code::Malformed, "line 1, column 10: the literal has no closing"},
      {"root ::= [ab", Code::Malformed, "line 1, column 10: the class has no closing"},
      {"root ::= []", Code::Malformed, "the class has no characters"},
      {"root ::= [b-a]", Code::Malformed, "line 1, column 11: the range runs backwards"},
      {"root ::= (\"a\"", Code::Malformed, "line 1, column 14: expected ')'"},
      {"root ::= \"a\")", Code::Malformed, "column 13: expected a part of a rule or the end"},
      {"root ::= *", Code::Malformed, "column 10: nothing stands before the repetition"},
      {"root ::= \"ü\"{2,1}", Code::Malformed, "column 13: the repetition's counts run backwards"},
      {"root ::= \"a\"{x}", Code::Malformed, "column 14: expected a count"},
      {"root ::= \"a\"{99999}", Code::Unsupported, "at most 10000 repetitions"},
      {"root ::= \"\\q\"", Code::Malformed, "column 11: unknown escape"},
      {"root ::= \"\\x4\"", Code::Malformed, "\\x needs 2 hex digits"},
      {"root ::= \"\\ud800\"", Code::Malformed, "not a character of Unicode"},
      {"root ::= \"\xff\"", Code::Malformed, "column 11: the text is not UTF-8"},
      {"root ::= other", Code::Malformed, "column 10: rule 'other' is not defined"},
      {"root ::= \"a\"\nroot ::= \"b\"", Code::Malformed,
       "line 2, column 1: rule 'root' is defined"},
      {"root ::= <think>", Code::Unsupported, "tokens in angle brackets"},
      {"root ::= root \"a\" | \"b\"", Code::Unsupported, "rule 'root' is left-recursive"},
      {"root ::= a\na ::= \"x\"? b\nb ::= a \"y\" | \"z\"", Code::Unsupported, "through 'b'"},
      {"root ::= (\"a\"* root)? \"b\"", Code::Unsupported, "rule 'root' is left-recursive"},
      {"root ::= \"a\" root", Code::Malformed, "no finite text can follow the rule 'root'"},
  };
  for (const auto& test : cases) {
    const std::string message = refusal(Grammar::from_gbnf(test.grammar), test.code);
    EXPECT_NE(message.find(test.message), std::string::npos) << test.grammar << "\n" << message;
  }
}

TEST(Gbnf, NestingAndSizeAreBounded) {
  const std::string deep = "root ::= " + std::string(100, '(') + "\"a\"" + std::string(100, ')');
  EXPECT_NE(refusal(Grammar::from_gbnf(deep), Code::Unsupported).find("64 groups"),
            std::string::npos);
  std::string large = "root ::= \"x\"";
  for (int i = 0; i < 21; ++i) large += " \"a\"{9999}";
  EXPECT_NE(refusal(Grammar::from_gbnf(large), Code::Unsupported).find("200000 states in rule"),
            std::string::npos);
  EXPECT_TRUE(Grammar::from_gbnf("root ::= ((\"abc\"{9999}){9999}){9999}").ok());
  const std::string stars = "root ::= \"a\"" + std::string(100000, '*');
  EXPECT_NE(refusal(Grammar::from_gbnf(stars), Code::Malformed).find("too many repetitions"),
            std::string::npos);
  EXPECT_NE(
      refusal(Grammar::from_gbnf(std::string((1 << 20) + 1, ' ')), Code::Unsupported).find("bytes"),
      std::string::npos);
}

}  // namespace
}  // namespace verge::text
