// dx of avg_pool2d: each dy is shared by the elements of its window.

#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input dy [n, c, ...]. Output dx [n, c, {height}, {width}].
void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0)),
                            counts = window_counts(call, call.in(0).shape, call.out().shape);
  std::vector<double> dx(static_cast<size_t>(call.out().shape.count()));
  for_each_window_element(
      call.in(0).shape, call.out().shape, Window2d(call.attrs),
      [&](size_t from, size_t to, size_t) { dx[to] += dy[from] / counts[from]; });
  store(call.out(), dx);
}

}  // namespace

OpDef avg_pool2d_grad() {
  return {.name = "avg_pool2d_grad", .infer = infer_pool_grad, .reference = reference};
}

}  // namespace verge::graph::ops
