#include <algorithm>
#include <bit>

#include <verge/engine/graph/occupied_memory.hpp>

namespace verge::graph {
namespace {

void unite(std::vector<ByteRange>& ranges, ByteRange added) {
  const auto first = std::ranges::lower_bound(ranges, added.begin, {}, &ByteRange::end);
  auto last = first;
  for (; last != ranges.end() && last->begin <= added.end; ++last) {
    added.begin = std::min(added.begin, last->begin);
    added.end = std::max(added.end, last->end);
  }
  if (first == last) {
    ranges.insert(first, added);
    return;
  }
  *first = added;
  ranges.erase(first + 1, last);
}

}  // namespace

OccupiedMemory::OccupiedMemory(int64_t times)
    : times_(
          static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(times, 1))))),
      all_of_(static_cast<size_t>(2 * times_)),
      any_of_(static_cast<size_t>(2 * times_)) {}

// Calls f(vertex, is_within) for the vertices whose times meet [first, last], from the root down to
// those that lie within.
template <typename F>
void OccupiedMemory::visit(size_t vertex, int64_t from, int64_t to, int64_t first, int64_t last,
                           F f) const {
  if (to < first || last < from) return;
  const bool is_within = first <= from && to <= last;
  f(vertex, is_within);
  if (is_within) return;
  const int64_t middle = from + (to - from) / 2;
  visit(2 * vertex, from, middle, first, last, f);
  visit(2 * vertex + 1, middle + 1, to, first, last, f);
}

void OccupiedMemory::place(const ByteRange& bytes, int64_t first, int64_t last) {
  visit(1, 0, times_ - 1, first, last, [&](size_t vertex, bool is_within) {
    unite(any_of_[vertex], bytes);
    if (is_within) unite(all_of_[vertex], bytes);
  });
}

std::vector<ByteRange> OccupiedMemory::taken(int64_t first, int64_t last) const {
  Ranges found, joined;
  visit(1, 0, times_ - 1, first, last, [&](size_t vertex, bool is_within) {
    const Ranges& ranges = is_within ? any_of_[vertex] : all_of_[vertex];
    found.insert(found.end(), ranges.begin(), ranges.end());
  });
  std::ranges::sort(found, {}, &ByteRange::begin);
  for (const ByteRange& range : found) {
    if (joined.empty() || range.begin > joined.back().end) {
      joined.push_back(range);
    } else {
      joined.back().end = std::max(joined.back().end, range.end);
    }
  }
  return joined;
}

}  // namespace verge::graph
