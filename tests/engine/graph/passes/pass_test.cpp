#include <verge/engine/graph/passes/pass.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

TEST(Pass, QuestionsAboutAGraph) {
  Builder b("update");
  const ValueId p = b.param("p", {DType::F32, {4}}), lr = b.input("lr", {DType::F32, {}});
  const ValueId view =
      b.op("reshape", {p},
           {{"dims", std::vector<int64_t>{2, 2}}, {"symbols", std::vector<int64_t>{-1, -1}}});
  const ValueId g = b.op("exp", {p});
  b.output(b.op("exp", {view}), "y");
  b.op("sgd", {p, g, kNone, lr});
  const Graph graph = *b.finish();
  EXPECT_EQ(readers_of(graph)[static_cast<size_t>(p)], (std::vector<NodeId>{0, 1, 3}));
  EXPECT_EQ(producers_of(graph)[static_cast<size_t>(g)], 1);
  EXPECT_EQ(producers_of(graph)[static_cast<size_t>(p)], -1);
  EXPECT_TRUE(overwritten_values(graph)[static_cast<size_t>(p)]);
  // The update waits for the reader of the view too.
  EXPECT_EQ(predecessors_of(graph)[3], (std::vector<NodeId>{0, 1, 2}));
}

}  // namespace
}  // namespace verge::graph
