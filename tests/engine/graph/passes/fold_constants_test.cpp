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

// Moments of an optimizer that keeps none between steps: each step begins at zeros.
TEST(FoldConstants, LeavesWhatIsWrittenInPlace) {
  Builder b("written");
  const ValueId w = b.param("w", {DType::F32, {4}});
  const ValueId grad = b.input("grad", {DType::F32, {4}}), lr = b.input("lr", {DType::F32, {}});
  const ValueId zeros =
      b.op("broadcast_to", {b.constant("zero", constants({1}, {0}))},
           {{"dims", std::vector<int64_t>{4}}, {"symbols", std::vector<int64_t>{-1}}});
  b.op_all("sgd", {w, grad, zeros, lr}, {{"momentum", 0.9}});
  const Graph after = fold_constants(*b.finish());
  EXPECT_EQ(after.nodes.size(), 2u);
}

}  // namespace
}  // namespace verge::graph
