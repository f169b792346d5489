#include <algorithm>
#include <functional>

#include <verge/core/result.hpp>
#include <verge/stages/serve/speculation/draft_tree.hpp>

namespace verge::serve {

double DraftTree::probability(int32_t node) const {
  return node == kTreeRoot ? 1 : nodes_[static_cast<size_t>(node)].probability;
}

int32_t DraftTree::depth(int32_t node) const {
  return node == kTreeRoot ? 0 : nodes_[static_cast<size_t>(node)].depth;
}

int32_t DraftTree::child(int32_t parent, int32_t token) const {
  const auto found = std::ranges::find_if(
      nodes_, [&](const DraftNode& node) { return node.parent == parent && node.token == token; });
  return found == nodes_.end() ? kTreeRoot : static_cast<int32_t>(found - nodes_.begin());
}

int32_t DraftTree::add(int32_t parent, int32_t token, double probability) {
  VERGE_CHECK(parent >= kTreeRoot && parent < size(), parent, size());
  probability = std::min(probability, this->probability(parent));
  const int32_t known = child(parent, token);
  if (known != kTreeRoot) {
    double& before = nodes_[static_cast<size_t>(known)].probability;
    before = std::max(before, probability);
    return known;
  }
  nodes_.push_back({token, parent, probability, depth(parent) + 1});
  return static_cast<int32_t>(nodes_.size()) - 1;
}

std::vector<int32_t> DraftTree::leaves() const {
  std::vector<bool> has_child(nodes_.size());
  for (const DraftNode& node : nodes_) {
    if (node.parent != kTreeRoot) has_child[static_cast<size_t>(node.parent)] = true;
  }
  std::vector<int32_t> leaves;
  for (int32_t i = 0; i < size(); ++i) {
    if (!has_child[static_cast<size_t>(i)]) leaves.push_back(i);
  }
  return leaves;
}

double DraftTree::least_of_best(int64_t count) const {
  if (count > size()) return 0;
  std::vector<double> all;
  for (const DraftNode& node : nodes_) all.push_back(node.probability);
  const auto least = all.begin() + (count - 1);
  std::ranges::nth_element(all, least, std::greater());
  return *least;
}

// A node is no likelier than its parent and comes after it, so a stable order keeps parents first.
void DraftTree::keep_best(int64_t count) {
  std::vector<int32_t> order(nodes_.size()), place(nodes_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
  std::ranges::stable_sort(order, std::greater(), [&](int32_t i) { return probability(i); });
  order.resize(static_cast<size_t>(std::clamp<int64_t>(count, 0, size())));
  std::vector<DraftNode> kept;
  for (const int32_t i : order) {
    DraftNode node = nodes_[static_cast<size_t>(i)];
    if (node.parent != kTreeRoot) node.parent = place[static_cast<size_t>(node.parent)];
    place[static_cast<size_t>(i)] = static_cast<int32_t>(kept.size());
    kept.push_back(node);
  }
  nodes_ = std::move(kept);
}

}  // namespace verge::serve
