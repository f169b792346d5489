#include <gtest/gtest.h>

#include <verge/engine/text/grammar/automaton.hpp>

#include "grammars.hpp"

namespace verge::text::grammar {
namespace {

TEST(Automaton, BytesOfOneClassHaveTheSameEdges) {
  const auto grammar = gbnf("root ::= [a-f]* [^c]? \"ü\" | [0-9]{2}");
  const Automaton& automaton = grammar->automaton();
  for (int32_t state = 0; state < automaton.size(); ++state) {
    for (const Automaton::ByteEdge& edge : automaton.bytes(state)) {
      for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
          if (automaton.byte_class(static_cast<uint8_t>(a)) !=
              automaton.byte_class(static_cast<uint8_t>(b))) {
            continue;
          }
          const auto has = [&](int c) { return edge.bytes.first <= c && c <= edge.bytes.last; };
          ASSERT_EQ(has(a), has(b)) << a << " " << b;
        }
      }
    }
  }
  EXPECT_LT(automaton.byte_classes(), 25);
}

// A way that leads nowhere is cut, so that nobody is led there.
TEST(Automaton, WaysWithoutAnEndAreCut) {
  const auto grammar = gbnf("root ::= \"a\" (\"b\" | \"c\" endless)\nendless ::= \"d\" endless");
  EXPECT_TRUE(grammar->matches_prefix("a"));
  EXPECT_FALSE(grammar->matches_prefix("ac"));
  EXPECT_TRUE(grammar->matches("ab"));
}

TEST(Automaton, EndsOfRulesHaveNoEdges) {
  const auto grammar = Grammar::any_json();
  const Automaton& automaton = grammar->automaton();
  for (int32_t state = 0; state < automaton.size(); ++state) {
    if (!automaton.is_end(state)) continue;
    EXPECT_TRUE(automaton.bytes(state).empty() && automaton.calls(state).empty() &&
                automaton.skips(state).empty());
  }
}

TEST(Automaton, LongChainsOfRulesAreReadInLinearTime) {
  std::string text = "root ::= r0\n";
  for (int i = 0; i < 20000; ++i) text += fmt::format("r{} ::= r{}?\n", i, i + 1);
  text += "r20000 ::= \"x\"\n";
  expect_texts(*gbnf(text), {"", "x"}, {"xx"});
}

}  // namespace
}  // namespace verge::text::grammar
