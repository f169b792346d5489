#include <algorithm>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

using Tokens = std::vector<int32_t>;

struct Case {
  const char* what;
  Tokens text;
  int64_t most;
  Tokens draft;
};

TEST(NgramProposer, ContinuesAsTheTextDidBefore) {
  const Case cases[] = {
      {"nothing", {}, 4, {}},
      {"one token", {5}, 4, {}},
      {"nothing again", {1, 2, 3, 4}, 4, {}},
      {"what followed", {1, 2, 3, 4, 9, 1, 2, 3}, 2, {4, 9}},
      {"no more than asked", {1, 2, 3, 4, 9, 1, 2, 3}, 1, {4}},
      {"the longest match", {7, 3, 5, 1, 2, 3, 6, 2, 3, 8, 1, 2, 3}, 1, {6}},
      {"two tokens where three are new", {2, 3, 6, 4, 3, 7, 0, 2, 3}, 1, {6}},
      {"one token where two are new", {3, 6, 8, 3}, 2, {6, 8}},
      {"the most recent", {1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3}, 1, {5}},
      {"a loop goes on", {1, 8, 9, 8, 9}, 5, {8, 9, 8, 9, 8}},
      {"one token for ever", {4, 4}, 3, {4, 4, 4}},
  };
  for (const Case& c : cases) {
    NgramProposer proposer;
    proposer.follow(c.text);
    EXPECT_EQ(proposer.continuation(c.most), c.draft) << c.what;
  }
}

// The same by looking through the whole text.
Tokens looked_up(const Tokens& text, int64_t most) {
  for (size_t n = std::min<size_t>(3, text.size()); n >= 1; --n) {
    for (size_t at = text.size() - 1; at >= n; --at) {
      if (!std::equal(text.end() - static_cast<std::ptrdiff_t>(n), text.end(),
                      text.begin() + static_cast<std::ptrdiff_t>(at - n))) {
        continue;
      }
      Tokens all = text;
      for (int64_t i = 0; i < most; ++i) all.push_back(all[at + static_cast<size_t>(i)]);
      return {all.begin() + static_cast<std::ptrdiff_t>(text.size()), all.end()};
    }
  }
  return {};
}

TEST(NgramProposer, FindsWhatASearchFinds) {
  Rng rng(3);
  for (const uint32_t symbols : {2u, 5u, 30u}) {
    NgramProposer proposer;
    Tokens text;
    for (int i = 0; i < 300; ++i) {
      text.push_back(static_cast<int32_t>(rng.below(symbols)) * 100000);
      proposer.follow(text);
      EXPECT_EQ(proposer.continuation(6), looked_up(text, 6)) << i;
    }
  }
}

TEST(NgramProposer, ATreeHasWhatFollowedInSeveralPlaces) {
  NgramProposer proposer;
  // After 1 2 3, and 2 3: 9 at last and 4 before; after 3: 9 and 7.
  proposer.follow(Tokens{1, 2, 3, 4, 5, 0, 3, 7, 1, 2, 3, 9, 8, 1, 2, 3});
  const DraftTree tree = proposer.continuations({.nodes = 20, .depth = 2});
  const int32_t last = tree.child(kTreeRoot, 9), before = tree.child(kTreeRoot, 4);
  ASSERT_NE(last, kTreeRoot);
  ASSERT_NE(before, kTreeRoot);
  EXPECT_NE(tree.child(last, 8), kTreeRoot);
  EXPECT_NE(tree.child(before, 5), kTreeRoot);
  EXPECT_EQ(last, 0);  // the likeliest
  EXPECT_NE(tree.child(kTreeRoot, 7), kTreeRoot);
  EXPECT_EQ(tree.size(), 6);
  EXPECT_EQ(proposer.continuations({.nodes = 3, .depth = 2}).size(), 3);
  EXPECT_EQ(proposer.continuations({.nodes = 20, .depth = 1}).size(), 3);
}

TEST(NgramProposer, ForgetsAnotherSequence) {
  NgramProposer proposer;
  proposer.follow(Tokens{1, 2, 3});
  proposer.reset();
  proposer.follow(Tokens{1, 2});
  EXPECT_EQ(proposer.continuation(3), Tokens{});
}

}  // namespace
}  // namespace verge::serve
