#pragma once
// DraftTree: guesses of how a text goes on, as a tree. One run verifies all of its paths, and the
// longest that the answer draws is kept (SpecInfer, Miao et al. 2024; LLMCad, Xu et al. 2023).

#include <cstdint>
#include <vector>

namespace verge::serve {

/// The token after which all guesses begin: the newest of the answer.
inline constexpr int32_t kTreeRoot = -1;

struct DraftNode {
  int32_t token;
  int32_t parent;      // an earlier node, or kTreeRoot
  double probability;  // that it and all before it are drawn, as who guessed it thinks
  int32_t depth;       // 1 after the root
};

/// The most that a tree has.
struct TreeShape {
  int64_t nodes = 16;
  int64_t depth = 8;
  int64_t width = 3;  // nodes of a depth after which the proposer goes on
};

class DraftTree {
 public:
  /// The child of `parent` with this token, which is made where there is none; no likelier than its
  /// parent, and as likely as the likeliest that it was added with.
  int32_t add(int32_t parent, int32_t token, double probability);
  /// kTreeRoot: there is none.
  int32_t child(int32_t parent, int32_t token) const;
  double probability(int32_t node) const;
  int32_t depth(int32_t node) const;

  /// Parents come before their children.
  const std::vector<DraftNode>& nodes() const { return nodes_; }
  int64_t size() const { return static_cast<int64_t>(nodes_.size()); }
  bool empty() const { return nodes_.empty(); }
  /// Nodes without children: the ends of its paths.
  std::vector<int32_t> leaves() const;

  /// Of all nodes, the probability of the count-th likeliest; 0 for fewer.
  double least_of_best(int64_t count) const;
  /// Keeps the likeliest nodes, likeliest first.
  void keep_best(int64_t count);

 private:
  std::vector<DraftNode> nodes_;
};

}  // namespace verge::serve
