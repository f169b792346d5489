#include <gtest/gtest.h>

#include <verge/stages/serve/api/reasoning.hpp>

namespace verge::serve::api {
namespace {

constexpr ReasoningTags kTags = {"<think>", "</think>"};

std::pair<std::string, std::string> read(std::string_view answer, size_t piece, bool begun) {
  ReasoningReader reader(kTags, begun);
  std::string reasoning, text;
  for (size_t at = 0; at < answer.size(); at += piece) {
    const auto found = reader.push(answer.substr(at, piece));
    reasoning += found.reasoning;
    text += found.text;
  }
  const auto rest = reader.finish();
  return {reasoning + rest.reasoning, text + rest.text};
}

TEST(ReasoningReader, TellsThoughtsFromAnswersHoweverTheTextIsCut) {
  struct Case {
    std::string answer;
    bool begun;
    std::string reasoning, text;
  };
  const Case cases[] = {
      {"Hello.", false, "", "Hello."},
      {"<think>\nWell, a < b.\n\nSo.\n</think>\n\nYes.\n", false, "Well, a < b.\n\nSo.", "Yes.\n"},
      {"\n<think>a</think>b", false, "a", "b"},
      {"<think>\n\n</think>\n\nYes", false, "", "Yes"},
      {"Well.\n</think>\nYes <think>", true, "Well.", "Yes <think>"},
      {"never ends </thin", true, "never ends </thin", ""},
      {"no end \n", true, "no end", ""},
      {"<thin", false, "", "<thin"},
      {"<thinking>", false, "", "<thinking>"},
      {" plain", false, "", " plain"},
      {"", false, "", ""},
      {"</think>", true, "", ""}};
  for (const Case& test : cases) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{5}, size_t{1000}}) {
      EXPECT_EQ(read(test.answer, piece, test.begun), std::pair(test.reasoning, test.text))
          << test.answer << " in pieces of " << piece;
    }
  }
}

TEST(ReasoningReader, ThoughtsAreShownWhileTheyCome) {
  ReasoningReader reader(kTags, false);
  EXPECT_EQ(reader.push("<think>One").reasoning, "One");
  EXPECT_EQ(reader.push(" two <").reasoning, " two");
  EXPECT_EQ(reader.push("b").reasoning, " <b");
}

TEST(ReasoningTags, AreThoseOfTheTemplate) {
  EXPECT_EQ(reasoning_tags_of("{{ '</think>' }}")->open, "<think>");
  EXPECT_EQ(reasoning_tags_of("[THINK]{{ x }}")->close, "[/THINK]");
  EXPECT_FALSE(reasoning_tags_of("{{ messages }}"));
}

}  // namespace
}  // namespace verge::serve::api
