#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/recognizer.hpp>

#include "grammars.hpp"
#include "random_rules.hpp"

namespace verge::text::grammar {
namespace {

// Against the definition: every text of up to five characters, whole and as a beginning.
TEST(Recognizer, AgreesWithTryingEverything) {
  const std::vector<std::string> texts = all_texts(5);
  int compared = 0, whole = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const RandomRules random(seed);
    const auto automaton = Automaton::compile(random.rules, 0);
    if (!automaton) continue;
    ++compared;
    std::set<std::string> begins;  // of whole texts
    Recognizer recognizer(*automaton);
    for (const std::string& text : texts) {
      const bool expected = naive_match(random.rules, 0, text);
      const Position position = recognizer.advance(recognizer.begin(), text);
      if (recognizer.overflowed()) break;
      ASSERT_EQ(position.complete, expected) << seed << " " << text;
      whole += expected;
      for (size_t i = 0; expected && i <= text.size(); ++i) begins.insert(text.substr(0, i));
    }
    for (const std::string& text : all_texts(4)) {
      if (begins.contains(text) && !recognizer.overflowed()) {
        ASSERT_TRUE(matches_prefix(*automaton, text)) << seed << " " << text;
      }
    }
  }
  EXPECT_GT(compared, 100);
  EXPECT_GT(whole, 500);
}

// What is alive can be finished: no dead ends.
TEST(Recognizer, EveryBeginningHasAnEnd) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const RandomRules random(seed);
    const auto automaton = Automaton::compile(random.rules, 0);
    if (!automaton) continue;
    Recognizer recognizer(*automaton);
    // Breadth first from each position of a random walk.
    Rng rng(seed);
    Position position = recognizer.begin();
    for (int i = 0; i < 8 && position.alive(); ++i) {
      std::vector<Position> frontier = {position};
      bool ended = position.complete;
      for (int depth = 0; depth < 12 && !ended; ++depth) {
        std::vector<Position> next;
        for (const Position& from : frontier) {
          for (const char* letter : {"a", "b"}) {
            Position to = recognizer.advance(from, letter);
            ended = ended || to.complete;
            const bool known = std::ranges::find(next, to) != next.end();
            if (to.alive() && !known) next.push_back(std::move(to));
          }
        }
        frontier = std::move(next);
      }
      ASSERT_TRUE(ended || recognizer.overflowed()) << seed;
      const Position a = recognizer.advance(position, "a"), b = recognizer.advance(position, "b");
      position = !b.alive() || (a.alive() && rng.below(2) == 0) ? a : b;
    }
  }
}

TEST(Recognizer, PiecesOfAnySizeGiveTheSamePosition) {
  const auto grammar = Grammar::any_json();
  Recognizer recognizer(grammar->automaton());
  const std::string text = R"({"key": [1, -2.5e3, {"ü": "a\n\u00e9"}], "z": [[true, null], {}]})";
  const Position at_once = recognizer.advance(recognizer.begin(), text);
  EXPECT_TRUE(at_once.is_finished());
  for (size_t size = 1; size < text.size(); ++size) {
    Position position = recognizer.begin();
    for (size_t i = 0; i < text.size(); i += size) {
      position = recognizer.advance(position, std::string_view(text).substr(i, size));
    }
    EXPECT_TRUE(position == at_once) << size;
  }
}

TEST(Recognizer, TextsMayNestDeep) {
  const auto grammar = Grammar::any_json();
  const std::string open(2000, '['), close(2000, ']');
  EXPECT_TRUE(grammar->matches(open + close));
  EXPECT_FALSE(grammar->matches(open + close + "]"));
  EXPECT_FALSE(grammar->matches(open + close.substr(1)));
}

TEST(Recognizer, TextsThatNestTooDeepAreGivenUp) {
  const auto grammar = gbnf("root ::= \"-\" root \"z\" | \"c\"");
  EXPECT_TRUE(grammar->matches(std::string(9000, '-') + "c" + std::string(9000, 'z')));
  for (const size_t depth : {20000, 200000}) {
    Recognizer recognizer(grammar->automaton());
    EXPECT_FALSE(recognizer.try_advance(recognizer.begin(), std::string(depth, '-')));
    EXPECT_FALSE(recognizer.overflowed());
    EXPECT_FALSE(recognizer.advance(recognizer.begin(), std::string(depth, '-')).alive());
    EXPECT_TRUE(recognizer.overflowed());
  }
  EXPECT_FALSE(Grammar::any_json()->matches_prefix(std::string(200000, '[')));
}

TEST(Recognizer, EndlessListsKeepOnePosition) {
  const auto grammar = gbnf("root ::= \"a\" root | \"b\"");
  Recognizer recognizer(grammar->automaton());
  Position position = recognizer.advance(recognizer.begin(), "a");
  const Position first = position;
  for (int i = 0; i < 1000; ++i) position = recognizer.advance(position, "a");
  EXPECT_TRUE(position == first);
}

// 2^n ways to read the same text: given up with a flag, in bounded time.
TEST(Recognizer, TooManyReadingsAreGivenUp) {
  std::string text = "root ::= r0 \"!\"\n";
  for (int i = 0; i < 40; ++i) {
    text += fmt::format("r{} ::= r{} \"a\" | r{} \"b\" | r{} \"c\"\n", i, i + 1, i + 1, i + 1);
  }
  text += "r40 ::= \"x\"\n";
  const auto grammar = gbnf(text);
  Recognizer recognizer(grammar->automaton());
  const Position position = recognizer.advance(recognizer.begin(), "x");
  EXPECT_FALSE(position.alive());
  EXPECT_TRUE(recognizer.overflowed());
}

}  // namespace
}  // namespace verge::text::grammar
