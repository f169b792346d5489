#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/free_text.hpp>

#include "grammars.hpp"

namespace verge::text::grammar {
namespace {

constexpr int kMostTried = 4;

// Few characters that stand for all of an alphabet in the grammars below, and all texts of them.
std::vector<std::string> letters_of(Alphabet alphabet) {
  std::vector<std::string> letters = {"a", "b", "z"};
  if (alphabet >= Alphabet::Alphanumeric) letters.insert(letters.end(), {"A", "7"});
  if (alphabet >= Alphabet::Plain) letters.insert(letters.end(), {" ", "-", "\u00e9", "\u20ac"});
  return letters;
}

// How many texts of `count` letters may follow, and how many there are.
std::pair<int, int> tried(Machine& machine, Machine::SetId set, Alphabet alphabet, int count) {
  if (count == 0) return {set != Machine::kDead, 1};
  std::pair<int, int> sum;
  for (const std::string& letter : letters_of(alphabet)) {
    Machine::SetId next = set;
    for (const char byte : letter) next = machine.step(next, static_cast<uint8_t>(byte));
    const auto [alive, all] = tried(machine, next, alphabet, count - 1);
    sum = {sum.first + alive, sum.second + all};
  }
  return sum;
}

const char* kGrammars[] = {
    R"(root ::= "\"" [^"\\]* "\"")",
    R"(root ::= [^"\\]{0,3} "!")",
    R"(root ::= [a-z]{2,3} [A-Za-z0-9]*)",
    R"(root ::= [a-z]* | [a-z0-9A-Z]{1,2} "-")",
    R"(root ::= x "." x
x ::= [a-z]+)",
    R"(root ::= "a" | "b")",
    R"(root ::= (x x)* "1"
x ::= [^0-9]{0,2})",
};

TEST(FreeText, AgreesWithTryingEverything) {
  int free = 0;
  for (const char* text : kGrammars) {
    const auto grammar = gbnf(text);
    Machine machine(grammar->automaton());
    FreeText free_text(grammar->automaton(), machine);
    for (int32_t state = 0; state < grammar->automaton().size(); ++state) {
      const Machine::SetId set = machine.start(state);
      for (const Alphabet alphabet : {Alphabet::Lower, Alphabet::Alphanumeric, Alphabet::Plain}) {
        for (int count = kMostTried; count > 0; --count) {
          const auto [alive, all] = tried(machine, set, alphabet, count);
          EXPECT_EQ(free_text.follows(set, alphabet, count), alive == all)
              << text << " state " << state << ", " << count;
          free += alive == all;
        }
        const int limit = free_text.limit(set, alphabet, kMostTried);
        for (int count = 1; limit >= 0 && count <= kMostTried; ++count) {
          const auto [alive, all] = tried(machine, set, alphabet, count);
          EXPECT_EQ(alive, count <= limit ? all : 0) << text << " state " << state;
        }
      }
      EXPECT_FALSE(free_text.follows(set, Alphabet::None, 1));
    }
    EXPECT_GT(free_text.bytes(), 0u);
    machine.clear();
    free_text.clear();
    EXPECT_EQ(free_text.bytes(), 0u);
  }
  EXPECT_GT(free, 50);
}

TEST(FreeText, LimitsAreExact) {
  const auto grammar = gbnf(R"(root ::= "\"" [^"\\]{0,9} "\"")");
  Machine machine(grammar->automaton());
  FreeText free_text(grammar->automaton(), machine);
  Machine::SetId set = machine.step(machine.start(grammar->automaton().start()), '"');
  for (int left = 9; left >= 0; --left) {
    EXPECT_EQ(free_text.limit(set, Alphabet::Plain, 16), left);
    EXPECT_EQ(free_text.limit(set, Alphabet::Plain, 4), std::min(left, 4));
    set = machine.step(set, 'a');
  }
  const auto endless = gbnf("root ::= [a-z]*");
  Machine letters(endless->automaton());
  FreeText of_letters(endless->automaton(), letters);
  EXPECT_EQ(of_letters.limit(letters.start(endless->automaton().start()), Alphabet::Lower, 9), -1)
      << "its rule may end on the way";
}

}  // namespace
}  // namespace verge::text::grammar
