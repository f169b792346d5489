#include <algorithm>

#include <verge/engine/graph/passes/min_cut.hpp>

namespace verge::graph {
namespace {

constexpr size_t kSource = 0, kSink = 1, kFirstItem = 2;
constexpr size_t kNoEdge = static_cast<size_t>(-1);

}  // namespace

MinCut::MinCut(size_t count) : edges_of_(kFirstItem + count) {}

size_t MinCut::add_item() {
  edges_of_.emplace_back();
  return edges_of_.size() - 1 - kFirstItem;
}

void MinCut::connect(size_t from, size_t to, int64_t room) {
  edges_of_[from].push_back(edges_.size());
  edges_.push_back({to, room});
  edges_of_[to].push_back(edges_.size());
  edges_.push_back({from, 0});
}

// Items on the source's side of the cut have label 0.
void MinCut::cost_of_zero(size_t item, int64_t cost) {
  connect(kFirstItem + item, kSink, cost);
}
void MinCut::cost_of_one(size_t item, int64_t cost) {
  connect(kSource, kFirstItem + item, cost);
}
void MinCut::cost_of_both(size_t zero, size_t one, int64_t cost) {
  connect(kFirstItem + zero, kFirstItem + one, cost);
}

// One shortest path from source to sink is filled.
bool MinCut::augment() {
  std::vector<size_t> by(edges_of_.size(), kNoEdge), queue = {kSource};
  for (size_t at = 0; at < queue.size() && by[kSink] == kNoEdge; ++at) {
    for (const size_t edge : edges_of_[queue[at]]) {
      const size_t to = edges_[edge].to;
      if (edges_[edge].room == 0 || by[to] != kNoEdge || to == kSource) continue;
      by[to] = edge;
      queue.push_back(to);
    }
  }
  if (by[kSink] == kNoEdge) return false;
  int64_t least = kNever;
  const auto from = [&](size_t edge) { return edges_[edge ^ 1].to; };
  for (size_t at = kSink; at != kSource; at = from(by[at])) {
    least = std::min(least, edges_[by[at]].room);
  }
  for (size_t at = kSink; at != kSource; at = from(by[at])) {
    edges_[by[at]].room -= least;
    edges_[by[at] ^ 1].room += least;
  }
  return true;
}

std::vector<bool> MinCut::solve() {
  while (augment()) {
  }
  std::vector<bool> is_one(edges_of_.size(), true);
  std::vector<size_t> queue = {kSource};
  is_one[kSource] = false;
  for (size_t at = 0; at < queue.size(); ++at) {
    for (const size_t edge : edges_of_[queue[at]]) {
      if (edges_[edge].room == 0 || !is_one[edges_[edge].to]) continue;
      is_one[edges_[edge].to] = false;
      queue.push_back(edges_[edge].to);
    }
  }
  return {is_one.begin() + kFirstItem, is_one.end()};
}

}  // namespace verge::graph
