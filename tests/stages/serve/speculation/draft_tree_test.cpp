#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/core/rng.hpp>
#include <verge/stages/serve/speculation/draft_tree.hpp>

namespace verge::serve {
namespace {

TEST(DraftTree, PathsThatBeginAlikeAreOne) {
  DraftTree tree;
  const int32_t a = tree.add(kTreeRoot, 5, 0.6);
  const int32_t b = tree.add(a, 7, 0.9);  // no likelier than what it follows
  EXPECT_EQ(tree.add(kTreeRoot, 5, 0.8), a);
  EXPECT_EQ(tree.add(kTreeRoot, 5, 0.1), a);
  EXPECT_EQ(tree.size(), 2);
  EXPECT_EQ(tree.probability(a), 0.8);
  EXPECT_EQ(tree.probability(b), 0.6);
  EXPECT_EQ(tree.probability(kTreeRoot), 1);
  EXPECT_EQ(tree.depth(kTreeRoot), 0);
  EXPECT_EQ(tree.depth(b), 2);
  EXPECT_EQ(tree.child(a, 7), b);
  EXPECT_EQ(tree.child(kTreeRoot, 7), kTreeRoot);
  EXPECT_THROW(tree.add(2, 1, 1), InternalError);
}

TEST(DraftTree, LeavesEndItsPaths) {
  DraftTree tree;
  EXPECT_TRUE(tree.leaves().empty());
  tree.add(kTreeRoot, 1, 0.5);
  tree.add(0, 2, 0.4);
  tree.add(0, 3, 0.3);
  tree.add(kTreeRoot, 4, 0.2);
  EXPECT_EQ(tree.leaves(), (std::vector<int32_t>{1, 2, 3}));
}

// Of a random tree the likeliest nodes are kept, with all that is before them.
TEST(DraftTree, KeepsTheLikeliest) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    DraftTree tree;
    for (int i = 0; i < 40; ++i) {
      const auto parent = static_cast<int32_t>(rng.below(static_cast<uint32_t>(i + 1))) - 1;
      if (parent >= tree.size()) continue;
      tree.add(parent, static_cast<int32_t>(rng.below(100)),
               tree.probability(parent) * rng.uniform());
    }
    const DraftTree whole = tree;
    const auto count = static_cast<int64_t>(rng.below(30)) + 1;
    const double least = whole.least_of_best(count);
    tree.keep_best(count);
    ASSERT_EQ(tree.size(), std::min(count, whole.size()));
    for (int32_t i = 0; i < tree.size(); ++i) {
      const DraftNode& node = tree.nodes()[static_cast<size_t>(i)];
      ASSERT_LT(node.parent, i);
      ASSERT_GE(node.probability, least);
      ASSERT_EQ(node.depth, tree.depth(node.parent) + 1);
      if (i > 0) {
        ASSERT_LE(node.probability, tree.nodes()[static_cast<size_t>(i - 1)].probability);
      }
    }
    EXPECT_EQ(tree.least_of_best(tree.size() + 1), 0);
  }
}

}  // namespace
}  // namespace verge::serve
