#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  map_repeated(call, worker, element_kernels(isa).add);
}

}  // namespace

KernelDef add() {
  return {.op = "add", .supports = repeats_second, .run = run};
}

}  // namespace verge::kernels::ops
