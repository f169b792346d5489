#pragma once
// OccupiedMemory: which bytes of an arena are taken at which time, for the memory planner. A
// segment tree over time whose vertices hold unions of byte ranges: placing a buffer and asking
// what is taken during a buffer's life both visit O(log time) of them, however many buffers were
// placed, as long as buffers lie side by side.

#include <cstdint>
#include <vector>

namespace verge::graph {

/// Bytes [begin, end).
struct ByteRange {
  int64_t begin = 0, end = 0;
  bool operator==(const ByteRange&) const = default;
};

class OccupiedMemory {
 public:
  /// For times in [0, times).
  explicit OccupiedMemory(int64_t times);

  /// The bytes are taken from time `first` to `last`, both included.
  void place(const ByteRange& bytes, int64_t first, int64_t last);
  /// What is taken at any time from `first` to `last`: disjoint, in order, none touching another.
  std::vector<ByteRange> taken(int64_t first, int64_t last) const;

 private:
  using Ranges = std::vector<ByteRange>;

  template <typename F>
  void visit(size_t vertex, int64_t from, int64_t to, int64_t first, int64_t last, F f) const;

  int64_t times_ = 1;           // a power of two
  std::vector<Ranges> all_of_;  // by vertex: taken during all of its times,
  std::vector<Ranges> any_of_;  // during any of them
};

}  // namespace verge::graph
