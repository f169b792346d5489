#include <gtest/gtest.h>

#include <verge/engine/text/grammar/automaton.hpp>
#include <verge/engine/text/grammar/network.hpp>

namespace verge::text::grammar {
namespace {

Network network_of(Rules& rules, Node body) {
  const int32_t root = rules.declare("root");
  rules.define(root, body);
  auto network = make_network(rules, root);
  EXPECT_TRUE(network.ok());
  return std::move(network).value();
}

// Repeating a rule costs a state a time, however large it is.
TEST(Network, LongRepetitionsCallOnePart) {
  Rules rules;
  const Node word = rules.literal(std::string(100, 'w'));
  const Network network = network_of(rules, rules.repeat(word, 0, 1000));
  EXPECT_EQ(network.parts.size(), 2u);
  EXPECT_LT(network.states, 1200);
}

TEST(Network, EndsHaveNoEdges) {
  Rules rules;
  const Node ab = rules.literal("ab");
  const Network network = network_of(
      rules, rules.choice({rules.repeat(ab, 0, -1), rules.repeat(ab, 1, 2), rules.named("r", ab)}));
  for (const Network::Part& part : network.parts) {
    for (const Network::Edge& edge : network.edges) EXPECT_NE(edge.from, part.end);
  }
}

TEST(Network, OnlyReachedRulesAreMade) {
  Rules rules;
  rules.named("unused", rules.literal(std::string(50, 'u')));
  EXPECT_LT(network_of(rules, rules.literal("a")).states, 5);
}

TEST(Network, SizeIsBounded) {
  Rules rules;
  Node node = rules.literal("a");
  for (int i = 0; i < 60; ++i) node = rules.sequence({node, node});
  const int32_t root = rules.declare("root");
  rules.define(root, node);
  const auto network = make_network(rules, root);
  ASSERT_FALSE(network.ok());
  EXPECT_NE(network.error().message.find("more than 200000 states in rule 'root'"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::text::grammar
