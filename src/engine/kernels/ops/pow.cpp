#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  map_broadcast(call, worker, [](auto x, auto y) { return std::pow(x, y); });
}

}  // namespace

KernelDef pow() {
  return {.op = "pow", .supports = two_floats, .run = run};
}

}  // namespace verge::kernels::ops
