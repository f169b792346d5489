#include <gtest/gtest.h>

#include "random_rules.hpp"

namespace verge::text::grammar {
namespace {

TEST(Rules, ExpressionsAreWhatTheirMakersSay) {
  Rules rules;
  const Node ab = rules.literal("ab");
  const int32_t list = rules.declare("list");
  rules.define(list, rules.sequence({ab, rules.optional(rules.call(list))}));
  const int32_t root = rules.declare("root");
  rules.define(root, rules.choice({rules.call(list), rules.repeat(rules.one_of({{'x', 'z'}}), 2, 3),
                                   rules.never()}));
  for (const char* text : {"ab", "ababab", "xy", "zzz"}) {
    EXPECT_TRUE(naive_match(rules, root, text)) << text;
  }
  for (const char* text : {"", "a", "x", "wxyz", "abx"}) {
    EXPECT_FALSE(naive_match(rules, root, text)) << text;
  }
}

TEST(Rules, OnePartStandsForItself) {
  Rules rules;
  const Node a = rules.literal("a");
  EXPECT_EQ(rules.sequence({a}), a);
  EXPECT_EQ(rules.choice({a}), a);
  EXPECT_EQ(rules[rules.sequence({})].text, "");
  const Node call = rules.named("n", a);
  EXPECT_EQ(rules.rule(rules[call].rule).body, a);
  EXPECT_EQ(rules.rule(rules[call].rule).name, "n");
}

TEST(Rules, ExpressionsAreBounded) {
  Rules rules;
  for (size_t i = 0; i < kMaxNodes; ++i) rules.never();
  EXPECT_FALSE(rules.full());
  rules.never();
  EXPECT_TRUE(rules.full());
  EXPECT_EQ(rules.nodes(), kMaxNodes);
}

}  // namespace
}  // namespace verge::text::grammar
