#include <gtest/gtest.h>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/drawing/graph_svg.hpp>

#include "../layered_graph.hpp"

namespace verge::graph {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(GraphSvg, TwentyFourLayersAreDrawnOnce) {
  const std::string svg = draw_graph(support::layered_graph(24, true));
  EXPECT_EQ(count(svg, ">linear</text>"), 2u);
  EXPECT_NE(svg.find("\u00d7 24"), std::string::npos);
  EXPECT_NE(svg.find("blk.0 \u2026 blk.23"), std::string::npos);
  EXPECT_NE(svg.find("blk.N.up f32/q8_0 [64, 32]"), std::string::npos);
  EXPECT_NE(svg.find("y: f32 [tokens, 32]"), std::string::npos);
  EXPECT_EQ(count(svg, "stroke-dasharray=\"4 3\""), 2u);  // x goes on to linear and to add
}

TEST(GraphSvg, WhatTheBackwardPassSavesIsNamed) {
  Builder b(support::layered_graph(5, false, false));
  const ValueId loss = b.op("reduce_mean", {b.graph().find("y")});
  std::vector<ValueId> weights;
  for (int i = 0; i < 5; ++i) weights.push_back(b.graph().find(fmt::format("blk.{}.up", i)));
  auto joint = differentiate(b.graph(), loss, weights);
  ASSERT_TRUE(joint) << joint.error().message;
  const std::string svg = draw_graph(joint->graph);
  EXPECT_NE(svg.find("saved: "), std::string::npos);
  EXPECT_NE(svg.find(">backward</text>"), std::string::npos);
  EXPECT_NE(draw_graph(Graph{}).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace verge::graph
