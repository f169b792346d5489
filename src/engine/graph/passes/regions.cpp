#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/regions.hpp>

namespace verge::graph {
namespace {

class RegionGrower {
 public:
  RegionGrower(const Graph& graph, const std::vector<bool>& is_wanted)
      : is_wanted_(is_wanted),
        before_(predecessors_of(graph)),
        after_(before_.size()),
        wave_(before_.size()),
        joined_(before_.size()) {
    for (size_t n = 0; n < before_.size(); ++n) {
      for (const NodeId other : before_[n]) after_[at(other)].push_back(static_cast<NodeId>(n));
    }
    for (size_t n = 0; n < before_.size(); ++n) wave_[n] = first_wave(n);
  }

  std::vector<Region> run() {
    join();
    sink();
    join();
    std::map<size_t, Region> by_root;
    for (size_t n = 0; n < before_.size(); ++n) {
      if (is_wanted_[n]) by_root[root_of(n)].push_back(static_cast<NodeId>(n));
    }
    std::vector<Region> regions;
    for (auto& [root, region] : by_root) regions.push_back(std::move(region));
    std::ranges::sort(regions);
    return regions;
  }

 private:
  static size_t at(NodeId n) { return static_cast<size_t>(n); }

  // Waves of wanted nodes are odd.
  int first_wave(size_t n) const {
    int wave = is_wanted_[n] ? 1 : 0;
    for (const NodeId other : before_[n]) {
      const bool is_alike = is_wanted_[at(other)] == is_wanted_[n];
      wave = std::max(wave, wave_[at(other)] + (is_alike ? 0 : 1));
    }
    return wave;
  }

  size_t root_of(size_t n) {
    while (joined_[n] != n) n = joined_[n] = joined_[joined_[n]];
    return n;
  }

  void join() {
    std::iota(joined_.begin(), joined_.end(), size_t{0});
    for (size_t n = 0; n < before_.size(); ++n) {
      for (const NodeId other : before_[n]) {
        const bool is_one = is_wanted_[n] && is_wanted_[at(other)] && wave_[n] == wave_[at(other)];
        if (is_one) joined_[root_of(at(other))] = root_of(n);
      }
    }
  }

  // Moves regions to the wave of those who read them, the last ones first, where that is as late as
  // any reader allows.
  void sink() {
    std::map<int, std::map<size_t, Region>, std::greater<>> by_wave;
    for (size_t n = 0; n < before_.size(); ++n) {
      if (is_wanted_[n]) by_wave[wave_[n]][root_of(n)].push_back(static_cast<NodeId>(n));
    }
    for (const auto& [wave, regions] : by_wave) {
      for (const auto& [root, region] : regions) {
        const int latest = latest_wave(region, wave);
        for (const NodeId n : region) wave_[at(n)] = latest;
      }
    }
  }

  int latest_wave(const Region& region, int wave) const {
    constexpr int kNever = std::numeric_limits<int>::max();
    int latest = kNever, joined = kNever;
    for (const NodeId n : region) {
      for (const NodeId next : after_[at(n)]) {
        const int of_reader = wave_[at(next)];
        if (is_wanted_[at(next)] && of_reader == wave) continue;  // of the region itself
        latest = std::min(latest, of_reader - (is_wanted_[at(next)] ? 0 : 1));
        if (is_wanted_[at(next)]) joined = std::min(joined, of_reader);
      }
    }
    return latest == joined && latest != kNever ? latest : wave;
  }

  const std::vector<bool>& is_wanted_;
  std::vector<std::vector<NodeId>> before_, after_;
  std::vector<int> wave_;
  std::vector<size_t> joined_;
};

}  // namespace

std::vector<Region> grow_regions(const Graph& graph, const std::vector<bool>& is_wanted) {
  return RegionGrower(graph, is_wanted).run();
}

CutRegion cut_region(const Region& region, const std::function<bool(const Region& piece)>& fits,
                     const std::function<void(const Region& piece)>& take) {
  CutRegion cut;
  const auto part = [&](size_t first, size_t count) {
    const auto begin = region.begin() + static_cast<ptrdiff_t>(first);
    return Region(begin, begin + static_cast<ptrdiff_t>(count));
  };
  for (size_t first = 0; first < region.size();) {
    size_t fitting = 0, most = region.size() - first;
    if (fits(part(first, most))) fitting = most;
    while (fitting + 1 < most) {  // the longest piece: `fitting` nodes fit, `most` do not
      const size_t middle = (fitting + most) / 2;
      (fits(part(first, middle)) ? fitting : most) = middle;
    }
    if (fitting == 0) {
      cut.left.push_back(region[first++]);
      continue;
    }
    cut.pieces.push_back(part(first, fitting));
    take(cut.pieces.back());
    first += fitting;
  }
  return cut;
}

}  // namespace verge::graph
