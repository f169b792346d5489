#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/machine.hpp>

#include "random_rules.hpp"

namespace verge::text::grammar {
namespace {

Machine::SetId run(Machine& machine, Machine::SetId set, std::string_view text) {
  for (const char c : text) {
    if (set == Machine::kDead) break;
    set = machine.step(set, static_cast<uint8_t>(c));
  }
  return set;
}

// Started in the root rule, a set returns exactly where a whole text has been read.
TEST(Machine, ReturnsBehindWholeTexts) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const RandomRules random(seed);
    const auto automaton = Automaton::compile(random.rules, 0);
    if (!automaton) continue;
    Machine machine(*automaton);
    for (const std::string& text : all_texts(4)) {
      const Machine::SetId set = run(machine, machine.start(automaton->start()), text);
      if (machine.overflowed()) break;
      EXPECT_EQ(set != Machine::kDead && machine.returns(set), naive_match(random.rules, 0, text))
          << seed << " " << text;
    }
  }
}

TEST(Machine, EqualSetsHaveOneId) {
  Rules rules;
  const int32_t root = rules.declare("root");
  rules.define(root, rules.repeat(rules.one_of({{'a', 'z'}}), 0, -1));
  const auto automaton = Automaton::compile(rules, root);
  ASSERT_TRUE(automaton.ok());
  Machine machine(*automaton);
  const Machine::SetId once = run(machine, machine.start(automaton->start()), "q");
  EXPECT_EQ(run(machine, once, "anytext"), once);
  EXPECT_TRUE(machine.goes_on(once));
  EXPECT_EQ(run(machine, once, "A"), Machine::kDead);
}

TEST(Machine, ForgetsEverythingButItsAutomaton) {
  const RandomRules random(3);
  const auto automaton = Automaton::compile(random.rules, 0);
  ASSERT_TRUE(automaton.ok());
  Machine machine(*automaton);
  run(machine, machine.start(automaton->start()), "abab");
  EXPECT_GT(machine.bytes(), 0u);
  machine.clear();
  EXPECT_EQ(machine.bytes(), 0u);
  EXPECT_NE(machine.start(automaton->start()), Machine::kDead);
}

TEST(Machine, OutOfMemoryUntilItForgets) {
  Rules rules;
  const int32_t root = rules.declare("root");
  rules.define(root, rules.literal(std::string(200, 'a')));
  const auto automaton = Automaton::compile(rules, root);
  ASSERT_TRUE(automaton.ok());
  Machine machine(*automaton, 2000);
  const std::string text(100, 'a');
  EXPECT_EQ(run(machine, machine.start(automaton->start()), text), Machine::kDead);
  EXPECT_TRUE(machine.out_of_memory() && machine.overflowed());
  machine.clear();
  EXPECT_FALSE(machine.out_of_memory() || machine.overflowed());
  EXPECT_NE(run(machine, machine.start(automaton->start()), "a"), Machine::kDead);
}

}  // namespace
}  // namespace verge::text::grammar
