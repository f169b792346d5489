#pragma once
// MinCut: items that are each given one of two labels so that the sum of costs is least: the
// smallest cut of a flow network (Boykov, Veksler & Zabih 2001 for labels; Edmonds & Karp 1972 for
// the flow). Costs are whole numbers of at least 0.

#include <cstdint>
#include <vector>

namespace verge::graph {

class MinCut {
 public:
  /// Items 0 ... count - 1.
  explicit MinCut(size_t count);

  size_t add_item();
  /// Paid where the item has label 0, or label 1.
  void cost_of_zero(size_t item, int64_t cost);
  void cost_of_one(size_t item, int64_t cost);
  /// Paid where `zero` has label 0 and `one` has label 1.
  void cost_of_both(size_t zero, size_t one, int64_t cost);

  /// Whether each item has label 1; of equal sums, that with the fewest zeros.
  std::vector<bool> solve();

  static constexpr int64_t kNever = int64_t{1} << 50;

 private:
  struct Edge {
    size_t to;
    int64_t room;
  };
  void connect(size_t from, size_t to, int64_t room);
  bool augment();

  std::vector<Edge> edges_;  // each followed by its reverse
  std::vector<std::vector<size_t>> edges_of_;
};

}  // namespace verge::graph
