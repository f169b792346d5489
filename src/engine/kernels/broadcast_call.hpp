#pragma once
// Loops over the elements of two f32 inputs that repeat along any axes, as NumPy does.

#include <array>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// Inputs 0 and 1 and output 0 are f32.
inline bool two_f32(const graph::KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.in(1).dtype == DType::F32 &&
         call.out().dtype == DType::F32;
}

/// The axes of the result joined where both inputs go on alike; steps in floats, 0 where an input
/// repeats. The last is the row.
struct BroadcastLoops {
  struct Axis {
    int64_t extent = 1, x = 0, y = 0;
  };
  std::array<Axis, Shape::kMaxRank> axes = {};
  int rank = 0;

  explicit BroadcastLoops(const graph::KernelCall& call) {
    const Shape& out = call.out().shape;
    int64_t x_step = 1, y_step = 1;
    std::array<Axis, Shape::kMaxRank> inner_first = {};
    for (int back = 1; back <= out.rank(); ++back) {
      Axis axis{out[out.rank() - back], step(call.in(0).shape, back, x_step),
                step(call.in(1).shape, back, y_step)};
      if (axis.extent == 1) continue;
      if (rank > 0) {
        Axis& inner = inner_first[static_cast<size_t>(rank - 1)];
        if (axis.x == inner.x * inner.extent && axis.y == inner.y * inner.extent) {
          inner.extent *= axis.extent;
          continue;
        }
      }
      inner_first[static_cast<size_t>(rank++)] = axis;
    }
    if (rank == 0) inner_first[static_cast<size_t>(rank++)] = {1, 1, 1};
    for (int i = 0; i < rank; ++i) {
      axes[static_cast<size_t>(i)] = inner_first[static_cast<size_t>(rank - 1 - i)];
    }
  }

  const Axis& row() const { return axes[static_cast<size_t>(rank - 1)]; }
  /// Where row `index` begins in each input.
  std::pair<int64_t, int64_t> begin(int64_t index) const {
    int64_t x = 0, y = 0;
    for (int i = rank - 2; i >= 0; --i) {
      const Axis& axis = axes[static_cast<size_t>(i)];
      const int64_t at = index % axis.extent;
      index /= axis.extent;
      x += at * axis.x;
      y += at * axis.y;
    }
    return {x, y};
  }

 private:
  // The step along the axis `back` places from the end; `next` becomes that of the axis before it.
  static int64_t step(const Shape& shape, int back, int64_t& next) {
    if (back > shape.rank()) return 0;
    const int64_t extent = shape[shape.rank() - back], own = next;
    next *= extent;
    return extent == 1 ? 0 : own;
  }
};

/// out = f(x, y) for each element, whatever repeats.
template <typename F>
void map_broadcast(const graph::KernelCall& call, Worker& worker, F f) {
  const BroadcastLoops loops(call);
  const BroadcastLoops::Axis& row = loops.row();
  const auto [first, last] = worker.split(call.out().shape.count(), 64);
  for (int64_t at = first; at < last;) {
    const int64_t column = at % row.extent, n = std::min(row.extent - column, last - at);
    const auto [x_begin, y_begin] = loops.begin(at / row.extent);
    const float* x = f32(call, 0) + x_begin + column * row.x;
    const float* y = f32(call, 1) + y_begin + column * row.y;
    float* out = f32_out(call) + at;
    if (row.x == 0) {
      const float value = *x;
      for (int64_t i = 0; i < n; ++i) out[i] = f(value, y[i * row.y]);
    } else if (row.y == 0) {
      const float value = *y;
      for (int64_t i = 0; i < n; ++i) out[i] = f(x[i], value);
    } else {
      for (int64_t i = 0; i < n; ++i) out[i] = f(x[i], y[i]);
    }
    at += n;
  }
}

}  // namespace verge::kernels
