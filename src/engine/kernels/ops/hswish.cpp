#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  map_elements(call, worker,
               [](float x) { return x * std::clamp(x * (1.0f / 6) + 0.5f, 0.0f, 1.0f); });
}

}  // namespace

KernelDef hswish() {
  return {.op = "hswish", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
