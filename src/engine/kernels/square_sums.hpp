#pragma once
// The sum of the squares of a call's input 0, for the kernels that shorten gradients.

#include <verge/engine/graph/op.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/scratch.hpp>

namespace verge::kernels {

struct SquareSums {
  Scratch scratch;
  double* partials;
  double* total;

  SquareSums(void* workspace, int64_t count)
      : scratch(workspace),
        partials(scratch.take<double>(sum_of_squares_partials(count))),
        total(scratch.take<double>(1)) {}
};

inline int64_t square_sums_bytes(const graph::KernelCall& call, int, Isa) {
  return SquareSums(nullptr, call.in(0).shape.count()).scratch.used();
}

/// Waits for everybody; each worker has the result.
inline double add_squares(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t n = call.in(0).shape.count();
  const SquareSums sums(call.workspace, n);
  sum_of_squares(isa, n, call.in(0).as<float>(), sums.partials, sums.total, worker);
  return *sums.total;
}

}  // namespace verge::kernels
