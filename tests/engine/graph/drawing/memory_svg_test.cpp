#include <gtest/gtest.h>

#include <verge/engine/graph/drawing/memory_svg.hpp>

#include "../layered_graph.hpp"

namespace verge::graph {
namespace {

TEST(MemorySvg, EveryBufferIsARectangleAndThePeakIsNamed) {
  const Graph graph = support::layered_graph(6);
  const MemoryPlan plan = plan_memory(graph);
  const std::string svg = draw_memory(graph, plan);
  for (const Buffer& buffer : plan.buffers) {
    const std::string tip =
        fmt::format("at offset {}, nodes {} to {}<", buffer.offset, buffer.first, buffer.last);
    EXPECT_NE(svg.find(tip), std::string::npos) << buffer.name;
  }
  EXPECT_NE(svg.find(fmt::format("node {}: linear", plan.peak_node)), std::string::npos);
  EXPECT_NE(svg.find("linear blk.0.up"), std::string::npos);
  EXPECT_NE(draw_memory(Graph{}, MemoryPlan{}).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace verge::graph
