#include <verge/engine/graph/extremes.hpp>
#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  map_broadcast(call, worker, [](auto x, auto y) { return graph::smaller(x, y); });
}

}  // namespace

KernelDef minimum() {
  return {.op = "minimum", .supports = two_floats, .run = run};
}

}  // namespace verge::kernels::ops
