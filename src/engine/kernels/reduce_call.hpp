#pragma once
// Reductions over axes that stand together, of f32.

#include <algorithm>
#include <array>

#include <verge/core/threads.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// x as [outer, reduced, inner].
struct ReduceLoops {
  int64_t outer = 1, reduced = 1, inner = 1;
  bool is_whole = true;  // the axes stand together

  explicit ReduceLoops(const graph::KernelCall& call) {
    const Shape& x = call.in(0).shape;
    const auto rank = static_cast<size_t>(x.rank());
    std::array<bool, Shape::kMaxRank> is_reduced = {};
    for (int64_t axis : call.attrs.list("axes")) {
      is_reduced[static_cast<size_t>(graph::from_front(axis, rank))] = true;
    }
    bool has_begun = false, has_ended = false;
    for (size_t i = 0; i < rank; ++i) {
      const int64_t extent = x[static_cast<int>(i)];
      if (is_reduced[i]) {
        if (has_ended) is_whole = false;
        has_begun = true;
        reduced *= extent;
      } else {
        has_ended = has_begun;
        (has_begun ? inner : outer) *= extent;
      }
    }
  }
};

inline bool reduces_together(const graph::KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.out().dtype == DType::F32 &&
         ReduceLoops(call).is_whole;
}

/// out = finish(fold of join(sum, element) from `start`), in order.
template <typename Sum, typename Join, typename Finish>
void reduce_together(const graph::KernelCall& call, Worker& worker, Sum start, Join join,
                     Finish finish) {
  const ReduceLoops loops(call);
  const auto [first, last] = worker.split(loops.outer * loops.inner, 16);
  for (int64_t at = first; at < last; ++at) {
    const float* x =
        f32(call, 0) + at / loops.inner * loops.reduced * loops.inner + at % loops.inner;
    Sum sum = start;
    for (int64_t i = 0; i < loops.reduced; ++i) sum = join(sum, x[i * loops.inner]);
    f32_out(call)[at] = static_cast<float>(finish(sum, loops.reduced));
  }
}

}  // namespace verge::kernels
