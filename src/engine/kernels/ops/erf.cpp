#include <cmath>

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  map_elements(call, worker, [](float x) { return std::erf(x); });
}

}  // namespace

KernelDef erf() {
  return {.op = "erf", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
