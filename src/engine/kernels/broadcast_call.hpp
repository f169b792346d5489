#pragma once
// Loops over the elements of up to three inputs that repeat along any axes, as NumPy does.

#include <algorithm>
#include <array>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// Inputs 0 and 1 and output 0 are all f32 or all f64, which is how networks of ONNX hold integers.
inline bool two_floats(const graph::KernelCall& call) {
  const DType dtype = call.in(0).dtype;
  return (dtype == DType::F32 || dtype == DType::F64) && call.in(1).dtype == dtype &&
         call.out().dtype == dtype;
}

/// The axes of the result joined where all inputs go on alike; steps in elements, 0 where an input
/// repeats. The last is the row.
struct BroadcastLoops {
  using Places = std::array<int64_t, 3>;  // in each input
  struct Axis {
    int64_t extent = 1;
    Places steps = {};
  };
  std::array<Axis, Shape::kMaxRank> axes = {};
  int rank = 0;

  explicit BroadcastLoops(const graph::KernelCall& call) {
    const Shape& out = call.out().shape;
    const size_t inputs = std::min(call.inputs.size(), Places().size());
    Places sizes = {1, 1, 1};
    std::array<Axis, Shape::kMaxRank> inner_first = {};
    for (int back = 1; back <= out.rank(); ++back) {
      Axis axis{out[out.rank() - back]};
      for (size_t i = 0; i < inputs; ++i) {
        axis.steps[i] = step(call.in(i).shape, back, sizes[i]);
      }
      if (axis.extent == 1) continue;
      if (rank > 0 && goes_on(inner_first[static_cast<size_t>(rank - 1)], axis)) {
        inner_first[static_cast<size_t>(rank - 1)].extent *= axis.extent;
      } else {
        inner_first[static_cast<size_t>(rank++)] = axis;
      }
    }
    if (rank == 0) inner_first[static_cast<size_t>(rank++)] = {1, {1, 1, 1}};
    for (int i = 0; i < rank; ++i) {
      axes[static_cast<size_t>(i)] = inner_first[static_cast<size_t>(rank - 1 - i)];
    }
  }

  const Axis& row() const { return axes[static_cast<size_t>(rank - 1)]; }
  /// Where row `index` begins in each input.
  Places begin(int64_t index) const {
    Places places = {};
    for (int i = rank - 2; i >= 0; --i) {
      const Axis& axis = axes[static_cast<size_t>(i)];
      const int64_t at = index % axis.extent;
      index /= axis.extent;
      for (size_t input = 0; input < places.size(); ++input) {
        places[input] += at * axis.steps[input];
      }
    }
    return places;
  }

 private:
  // The step along the axis `back` places from the end; `next` becomes that of the axis before it.
  static int64_t step(const Shape& shape, int back, int64_t& next) {
    if (back > shape.rank()) return 0;
    const int64_t extent = shape[shape.rank() - back], own = next;
    next *= extent;
    return extent == 1 ? 0 : own;
  }
  static bool goes_on(const Axis& inner, const Axis& outer) {
    for (size_t i = 0; i < inner.steps.size(); ++i) {
      if (outer.steps[i] != inner.steps[i] * inner.extent) return false;
    }
    return true;
  }
};

/// body(count, place of the first element in the output, places in the inputs, steps) for runs of
/// elements of one row.
template <typename Body>
void for_broadcast_rows(const graph::KernelCall& call, Worker& worker, Body body) {
  const BroadcastLoops loops(call);
  const BroadcastLoops::Axis& row = loops.row();
  const auto [first, last] = worker.split(call.out().shape.count(), 64);
  for (int64_t at = first; at < last;) {
    const int64_t column = at % row.extent, count = std::min(row.extent - column, last - at);
    BroadcastLoops::Places places = loops.begin(at / row.extent);
    for (size_t i = 0; i < places.size(); ++i) places[i] += column * row.steps[i];
    body(count, at, places, row.steps);
    at += count;
  }
}

/// out = f(x, y) for each element, whatever repeats.
template <typename In, typename Out, typename F>
void map_broadcast_as(const graph::KernelCall& call, Worker& worker, F f) {
  for_broadcast_rows(call, worker,
                     [&](int64_t n, int64_t at, const auto& places, const auto& steps) {
                       const In* x = call.in(0).as<In>() + places[0];
                       const In* y = call.in(1).as<In>() + places[1];
                       Out* out = call.out().as<Out>() + at;
                       const int64_t y_step = steps[1];
                       if (steps[0] == 0) {
                         const In value = *x;
                         for (int64_t i = 0; i < n; ++i) out[i] = f(value, y[i * y_step]);
                       } else if (y_step == 0) {
                         const In value = *y;
                         for (int64_t i = 0; i < n; ++i) out[i] = f(x[i], value);
                       } else {
                         for (int64_t i = 0; i < n; ++i) out[i] = f(x[i], y[i]);
                       }
                     });
}

/// The same of two_floats; f takes two floats or two doubles.
template <typename F>
void map_broadcast(const graph::KernelCall& call, Worker& worker, F f) {
  if (call.in(0).dtype == DType::F64) return map_broadcast_as<double, double>(call, worker, f);
  map_broadcast_as<float, float>(call, worker, f);
}

}  // namespace verge::kernels
