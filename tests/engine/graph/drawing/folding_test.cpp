#include <gtest/gtest.h>

#include <verge/engine/graph/drawing/folding.hpp>

#include "../layered_graph.hpp"

namespace verge::graph {
namespace {

TEST(Folding, LayersAreOneFoldWhateverTheirWeightsTypes) {
  for (const bool recipe : {false, true}) {
    const Graph graph = support::layered_graph(6, recipe);
    const std::vector<Fold> folds = find_folds(graph);
    ASSERT_EQ(folds.size(), 1u);
    EXPECT_EQ(folds[0].first, 1u);
    EXPECT_EQ(folds[0].period, 4u);
    EXPECT_EQ(folds[0].repeats, 6u);
    EXPECT_EQ(folds[0].shown(folds[0].end() - 1), 4u);
    EXPECT_FALSE(folds[0].has(folds[0].end()));
  }
}

TEST(Folding, LayersThatDifferOrAreWiredOtherwiseStayApart) {
  Graph graph = support::layered_graph(4);
  graph.nodes[1 + 4 + 1].attrs.set("other", int64_t{1});  // the activation of layer 1
  for (const Fold& fold : find_folds(graph)) EXPECT_FALSE(fold.has(5) && fold.has(1));
  graph = support::layered_graph(4);
  graph.nodes[1 + 3 * 4].inputs[0] = graph.nodes[1].outputs[0];  // the last layer reads the first
  EXPECT_EQ(find_folds(graph)[0].repeats, 3u);
  EXPECT_TRUE(find_folds(support::layered_graph(1)).empty());
}

TEST(Folding, NamesKeepWhatTheyShare) {
  EXPECT_EQ(common_name("blk.0.attn_q1", "blk.10.attn_q1"), "blk.N.attn_q1");
  EXPECT_EQ(common_name("same", "same"), "same");
  EXPECT_EQ(layer_of("blk.12.ffn"), "blk.12");
  EXPECT_EQ(layer_of("output"), "output");
}

}  // namespace
}  // namespace verge::graph
