#pragma once
// Reductions of f32 over axes that form at most two runs, as channel sums of an image over batch
// and pixels do.

#include <algorithm>
#include <array>

#include <verge/core/threads.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// Neighbouring axes that are all kept or all reduced, as one.
struct AxisRun {
  int64_t extent = 1, stride = 0;
};

struct ReduceLoops {
  std::array<AxisRun, Shape::kMaxRank> kept;
  size_t kept_count = 0;
  std::array<AxisRun, 2> reduced;  // the outer one first
  bool is_within = true;           // there are no more runs than these
  int64_t results = 1;

  explicit ReduceLoops(const graph::KernelCall& call) {
    const Shape& x = call.in(0).shape;
    const auto rank = static_cast<size_t>(x.rank());
    std::array<bool, Shape::kMaxRank> is_reduced = {};
    for (int64_t axis : call.attrs.list("axes")) {
      is_reduced[static_cast<size_t>(graph::from_front(axis, rank))] = true;
    }
    size_t reduced_count = 0;
    int64_t stride = 1;
    for (size_t end = rank; end > 0;) {
      AxisRun run{1, stride};
      const bool is_sum = is_reduced[end - 1];
      for (; end > 0 && is_reduced[end - 1] == is_sum; --end) {
        run.extent *= x[static_cast<int>(end - 1)];
      }
      stride *= run.extent;
      if (!is_sum) {
        kept[kept_count++] = run;
        results *= run.extent;
      } else if (reduced_count == reduced.size()) {
        is_within = false;
      } else {
        reduced[reduced.size() - ++reduced_count] = run;
      }
    }
  }

  /// Where the elements of result `at` begin.
  int64_t first(int64_t at) const {
    int64_t offset = 0;
    for (size_t i = 0; i < kept_count; ++i) {  // the innermost one first
      offset += at % kept[i].extent * kept[i].stride;
      at /= kept[i].extent;
    }
    return offset;
  }
};

inline bool reduces_together(const graph::KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.out().dtype == DType::F32 &&
         ReduceLoops(call).is_within;
}

/// join over `extent` neighbours and `sum`: by eight sums, which need not wait for each other.
template <typename Sum, typename Join>
Sum fold_neighbours(const float* x, int64_t extent, Sum start, Sum sum, Join join) {
  constexpr int64_t kLanes = 8;
  std::array<Sum, kLanes> lanes;
  lanes.fill(start);
  int64_t i = 0;
  for (; i + kLanes <= extent; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      lanes[static_cast<size_t>(lane)] = join(lanes[static_cast<size_t>(lane)], x[i + lane]);
    }
  }
  for (; i < extent; ++i) sum = join(sum, x[i]);
  for (const Sum& lane : lanes) sum = join(sum, lane);
  return sum;
}

/// out = finish(fold of join from `start`, elements). join takes elements and sums alike.
template <typename Sum, typename Join, typename Finish>
void reduce_together(const graph::KernelCall& call, Worker& worker, Sum start, Join join,
                     Finish finish) {
  const ReduceLoops loops(call);
  const auto& [outer, inner] = loops.reduced;
  const auto [first, last] = worker.split(loops.results, 16);
  for (int64_t at = first; at < last; ++at) {
    const float* x = f32(call, 0) + loops.first(at);
    Sum sum = start;
    for (int64_t o = 0; o < outer.extent; ++o, x += outer.stride) {
      if (inner.stride == 1) {
        sum = fold_neighbours(x, inner.extent, start, sum, join);
      } else {
        for (int64_t i = 0; i < inner.extent; ++i) sum = join(sum, x[i * inner.stride]);
      }
    }
    f32_out(call)[at] = static_cast<float>(finish(sum, outer.extent * inner.extent));
  }
}

}  // namespace verge::kernels
