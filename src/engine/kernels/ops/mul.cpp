#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const bool is_scaled = call.in(1).shape.count() == 1 && call.in(0).shape == call.out().shape;
  if (is_scaled && call.out().dtype == DType::F32) {
    return scale(isa, call.out().shape.count(), *f32(call, 1), f32(call, 0), f32_out(call), worker);
  }
  if (!repeats_second(call) || call.in(1).shape.count() < kMapGrain) {
    return map_broadcast(call, worker, [](auto x, auto y) { return x * y; });
  }
  map_repeated(call, worker, element_kernels(isa).multiply);
}

}  // namespace

KernelDef mul() {
  return {.op = "mul", .supports = two_floats, .run = run};
}

}  // namespace verge::kernels::ops
