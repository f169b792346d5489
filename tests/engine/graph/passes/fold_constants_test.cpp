#include <verge/engine/graph/passes/fold_constants.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::constants;

TEST(FoldConstants, ChainsOfConstantsBecomeOneConstant) {
  Builder b("folds");
  const ValueId x = b.input("x", {DType::F32, {3}});
  const ValueId c = b.constant("c", constants({3}, {1, 2, 3}));
  const ValueId folded = b.op("exp", {b.op("add", {c, c})});
  b.output(b.op("mul", {x, folded}), "y");
  const Graph before = *b.finish();
  const Graph after = fold_constants(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.find("c"), kNone);
}

TEST(FoldConstants, LeavesLargeAndNamedResultsAndUnknownExtents) {
  Builder b("stays");
  const SymbolId n = b.symbol("n", 8);
  const ValueId c = b.constant("c", constants({1}, {2}));
  const auto repeat = [&](int64_t count, int64_t symbol) {
    return b.op("broadcast_to", {c},
                {{"dims", std::vector<int64_t>{count}}, {"symbols", std::vector<int64_t>{symbol}}});
  };
  b.output(b.op("exp", {repeat(1, n)}), "unknown");
  b.output(b.op("exp", {repeat(1 << 20, -1)}), "large");
  b.output(b.op("exp", {c}), "named");
  const Graph before = *b.finish();
  EXPECT_EQ(fold_constants(before).nodes.size(), before.nodes.size());
}

}  // namespace
}  // namespace verge::graph
