#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const auto slope = static_cast<float>(call.attrs.real("slope", 0.01));
  map_elements(call, worker, [slope](float x) { return x > 0 ? x : slope * x; });
}

}  // namespace

KernelDef leaky_relu() {
  return {.op = "leaky_relu", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
