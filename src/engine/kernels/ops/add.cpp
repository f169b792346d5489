#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (!repeats_second(call) || call.in(1).shape.count() < kMapGrain) {
    return map_broadcast(call, worker, [](auto x, auto y) { return x + y; });
  }
  map_repeated(call, worker, element_kernels(isa).add);
}

}  // namespace

KernelDef add() {
  return {.op = "add", .supports = two_floats, .run = run};
}

}  // namespace verge::kernels::ops
